import { createMLMiddleware } from '@aegis/ml-client'
import express from 'express'
import type { AddressInfo } from 'node:net'

/**
 * A gateway as a process of its own, run with --expose-gc: reports twice a second to the service of ML_SERVICE_URL,
 * prints its port, and stops as the README has it. It tells what it knows and what it takes.
 */
const ml = createMLMiddleware({ source: 'restart', aggregationIntervalMs: 500 })
const app = express()
app.use(ml)
app.get('/', (_request, response) => {
  response.send('Hello')
})
app.get('/state', (_request, response) => {
  response.json(ml.status())
})
app.get('/usage', (_request, response) => {
  const { user, system } = process.cpuUsage()
  global.gc!()
  const { heapUsed, external } = process.memoryUsage()
  response.json({ cpuMs: (user + system) / 1000, bytes: heapUsed + external })
})
const server = app.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
)
process.once('SIGTERM', () => server.close(() => void ml.close()))
