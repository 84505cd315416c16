import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Log } from '../../db/log.js'

/** Passes spans on. Of failures in a row, the log has the first one, and then that it works again. */
export function quietExporter(
  exporter: SpanExporter,
  url: string,
  log: Pick<Log, 'warn' | 'info'>,
): SpanExporter {
  let lost = 0
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        if (result.code === FAILED) {
          if (lost === 0)
            log.warn(
              { url, reason: reasonOf(result.error) },
              'traces cannot be sent; they are lost until they can',
            )
          lost += spans.length
        } else if (lost > 0) {
          log.info({ url, lost }, 'traces are sent again')
          lost = 0
        }
        done(result)
      })
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}

/** ExportResultCode of @opentelemetry/core. */
const FAILED = 1

function reasonOf(error: Error | undefined): string {
  const inner = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : error
  return (inner?.message ?? 'unknown').split('\n', 1)[0]!.slice(0, 200)
}
