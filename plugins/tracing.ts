import fp from 'fastify-plugin'

/**
 * Sends traces to OTEL_EXPORTER_OTLP_ENDPOINT: of requests, of the statements in them, and of jobs. Without that variable
 * nothing is loaded.
 */
export default fp<{ version: string }>(
  async (app, { version }) => {
    const { tracing } = app.config
    if (tracing === null) return
    const { startTracing } = await import('./tracing/start.js').catch(explainMissing)
    await startTracing(app, { ...tracing, version })
  },
  { name: 'tracing', dependencies: ['config'] },
)

function explainMissing(error: unknown): never {
  const code = (error as NodeJS.ErrnoException).code
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error
  const message =
    'OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages of OpenTelemetry are not installed. Run npm ci without --omit=optional, or unset it.'
  throw new Error(message, { cause: error })
}
