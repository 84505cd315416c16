import fp from 'fastify-plugin'
import { inSlices } from '../db/in-slices.js'
import type { HttpRequest, Refusal } from '../formats/otlp/http-request.js'
import type { ExportResponse, LogRequest, Signal, TraceRequest } from '../formats/otlp/messages.js'
import type { RowReason } from '../formats/ingest/row-reader.js'
import { readLogs } from '../formats/otlp/read-logs.js'
import { readSpans } from '../formats/otlp/read-spans.js'
import { DAY_MS, MINUTE_MS } from '../models/traffic/durations.js'
import type { Ingest } from './ingest.js'

export interface Otlp {
  /**
   * Puts the requests of an export request into the traffic table, and returns when they are durable. Records that
   * cannot be stored are counted in the answer, and the others are stored. The same body adds its requests once.
   *
   * @param digest of the body
   * @param source of the key of the sender; default: `otlp`
   * @throws ServiceError as `fastify.ingest.store` does, except for the requests themselves
   */
  storeTraces(request: TraceRequest, digest: string, source?: string): Promise<ExportResponse>
  storeLogs(request: LogRequest, digest: string, source?: string): Promise<ExportResponse>
}

export interface OtlpOptions {
  readonly ingest: Pick<Ingest, 'storeWithin' | 'countRefused'>
  readonly retentionDays: number
  readonly now: () => number
}

declare module 'fastify' {
  interface FastifyInstance {
    otlp: Otlp
  }
}

/** Requests that are stored in one transaction. */
const BATCH_SIZE = 10_000

/** Records that are read at a time. */
const STEP = 50

/** The clock of a gateway may be ahead by this: as for every other batch. */
const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS

/** Requests that are this close to the end of the retention are refused, as they leave it while they are stored. */
const RETENTION_MARGIN_MS = MINUTE_MS

const TOO_OLD = 'a time before the retention (RETENTION_DAYS)'
const TOO_NEW = 'a time more than five minutes in the future'
const NO_PARTITION = 'a time for which the traffic table has no partition'

/** Reasons that the answer names. */
const MAX_REASONS = 5

function createOtlp({ ingest, retentionDays, now }: OtlpOptions): Otlp {
  const store = async (
    signal: Signal,
    read: Iterable<HttpRequest | Refusal>,
    digest: string,
    source = 'otlp',
  ) => {
    const range = {
      fromMs: now() - retentionDays * DAY_MS + RETENTION_MARGIN_MS,
      toMs: now() + CLOCK_TOLERANCE_MS,
    }
    const { batches, refusals } = await inSlices(sort(read, range))
    for (const [index, requests] of batches.entries()) {
      const { outside } = await ingest.storeWithin({
        identity: { source, id: `${signal}/${digest}/${index}`, hash: undefined },
        requests: requests.map(toIngestedRequest),
      })
      if (outside.length > 0) refusals.set(NO_PARTITION, (refusals.get(NO_PARTITION) ?? 0) + outside.length)
    }
    for (const [reason, count] of refusals) ingest.countRefused(rowReasonOf(reason), count)
    return responseOf(refusals)
  }
  return {
    storeTraces: (request, digest, source) => store('traces', readSpans(request), digest, source),
    storeLogs: (request, digest, source) => store('logs', readLogs(request), digest, source),
  }
}

/**
 * Separates what can be stored from what is refused, with the number of each reason. A batch is a slice of the body
 * before the clock is asked, so that a resent body has the same batches at any time. A step for some records each.
 */
function* sort(read: Iterable<HttpRequest | Refusal>, { fromMs, toMs }: { fromMs: number; toMs: number }) {
  const batches: HttpRequest[][] = []
  let count = 0
  const refusals = new Map<string, number>()
  const refuse = (reason: string) => refusals.set(reason, (refusals.get(reason) ?? 0) + 1)
  for (const each of read) {
    if (count++ % BATCH_SIZE === 0) batches.push([])
    if (count % STEP === 0) yield
    if ('refused' in each) refuse(each.refused)
    else if (each.timeMs < fromMs) refuse(TOO_OLD)
    else if (each.timeMs > toMs) refuse(TOO_NEW)
    else batches.at(-1)!.push(each)
  }
  return { batches, refusals }
}

/** A refusal as those of the other ingest are counted. */
function rowReasonOf(reason: string): RowReason {
  if (reason === NO_PARTITION) return 'no_partition'
  return reason === TOO_OLD || reason === TOO_NEW ? 'out_of_range' : 'missing'
}

function toIngestedRequest(request: HttpRequest) {
  const { timeMs, method, path, host, status, durationMs, user, client, agent, backend, error } = request
  return {
    timestamp: Math.floor(timeMs),
    method,
    path,
    ...(host !== undefined && { host }),
    status_code: status,
    ...(durationMs !== undefined && { response_time_ms: durationMs }),
    ...(user !== undefined && { user_id: user }),
    ...(client !== undefined && { ip_address: client }),
    ...(agent !== undefined && { user_agent: agent }),
    ...(backend !== undefined && { backend }),
    ...(error !== undefined && { error }),
  }
}

function responseOf(refusals: ReadonlyMap<string, number>): ExportResponse {
  if (refusals.size === 0) return {}
  const reasons = [...refusals].sort(([, a], [, b]) => b - a)
  const rejected = reasons.reduce((sum, [, count]) => sum + count, 0)
  const named = reasons.slice(0, MAX_REASONS).map(([reason, count]) => `${count}: ${reason}`)
  return { partialSuccess: { rejected, errorMessage: `Not stored: ${named.join('; ')}.` } }
}

/** `fastify.otlp`. */
export default fp(
  async (app) => {
    const { retentionDays } = app.config
    app.decorate('otlp', createOtlp({ ingest: app.ingest, retentionDays, now: Date.now }))
  },
  { name: 'otlp', dependencies: ['config', 'ingest'] },
)
