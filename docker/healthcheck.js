/** `node healthcheck.js [path]`: exit code 0 if the service answers 2xx. The default path is /health/live. */
import http from 'node:http'
import https from 'node:https'

const { ML_SERVICE_PORT: port, ML_SERVICE_TLS_CERT_FILE: certificate } = process.env
const path = process.argv[2] ?? '/health/live'
const options = {
  host: '127.0.0.1',
  port: port || 5000,
  path,
  rejectUnauthorized: false, // the certificate is for other names, and nothing secret is sent
  signal: AbortSignal.timeout(4_000),
}
const answer = await new Promise((resolve, reject) => {
  const { get } = certificate ? https : http
  get(options, resolve).on('error', reject)
})
process.exit(answer.statusCode >= 200 && answer.statusCode < 300 ? 0 : 1)
