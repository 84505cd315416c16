/** `node healthcheck.js [path]`: exit code 0 if the service answers 2xx. The default path is /health/live. */
const { ML_SERVICE_PORT } = process.env
const path = process.argv[2] ?? '/health/live'
const answer = await fetch(`http://127.0.0.1:${ML_SERVICE_PORT || 5000}${path}`, {
  signal: AbortSignal.timeout(4_000),
})
process.exitCode = answer.ok ? 0 : 1
