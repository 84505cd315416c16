import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createClient, createMLMiddleware } from '@aegis/ml-client'
import t, { type Test } from 'tap'
import { eventually } from '../e2e/eventually.js'
import { freePort } from '../e2e/process.js'
import { reportingService } from './reporting-service.js'

/** Reports ten times a second; a call has a moment. */
function middleware(t: Test, baseUrl: string, timeoutMs = 300) {
  const told: string[] = []
  const tell = (message: string) => told.push(message)
  const made = createMLMiddleware({
    enabled: true,
    aggregationIntervalMs: 100,
    client: createClient({ baseUrl, timeoutMs }),
    warn: tell,
    info: tell,
  })
  t.teardown(() => made.close())
  return { middleware: made, told }
}

t.test('a service that is away is one warning until it is back', async (t) => {
  const port = await freePort()
  const { middleware: made, told } = middleware(t, `http://127.0.0.1:${port}`)
  await eventually(async () => told.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.equal(told.length, 1)
  t.match(told[0], /^AEGIS ML is away; the gateway continues without it\. .*ECONNREFUSED/)
  t.equal(made.status().reachable, false)
  const service = await reportingService(t, port)
  await eventually(async () => made.status().judged !== null)
  await made.close()
  t.equal(told.length, 2)
  t.match(told[1], /^AEGIS ML is back\. Intervals without a verdict in the meantime: \d+\.$/)
  t.ok(service.reports.length > 0)
})

const FAULTS: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  'does not answer': () => undefined,
  'answers with a page': (_request, response) => void response.end('<html>502 Bad Gateway</html>'),
  'breaks off in the middle': (_request, response) => {
    response.writeHead(200, { 'content-length': 1_000 }).write('{"success":true,"da')
    setTimeout(() => response.destroy(), 10)
  },
  'is overloaded': (_request, response) => {
    const failure = { success: false, code: 'OVERLOADED', message: 'Try again.' }
    response.writeHead(503).end(JSON.stringify(failure))
  },
}

for (const [name, fault] of Object.entries(FAULTS)) {
  t.test(`a service that ${name} is away, and back when it answers`, async (t) => {
    const service = await reportingService(t)
    service.misbehave = fault
    const { middleware: made, told } = middleware(t, service.url)
    await eventually(async () => made.status().reachable === false)
    service.misbehave = undefined
    await eventually(async () => made.status().reachable === true)
    await made.close()
    t.match(told, [/^AEGIS ML is away/, /^AEGIS ML is back/])
    t.equal(told.length, 2)
  })
}

t.test('an address that is none is a warning', async (t) => {
  const told: string[] = []
  process.env['ML_SERVICE_URL'] = 'localhost:5000'
  t.teardown(() => delete process.env['ML_SERVICE_URL'])
  const made = createMLMiddleware({
    enabled: true,
    aggregationIntervalMs: 100,
    warn: (message) => told.push(message),
  })
  await eventually(async () => told.length > 0)
  await made.close()
  t.equal(told.length, 1)
  t.match(told[0], /^Judging traffic fails: baseUrl is "localhost:5000"/)
})

const SCRIPT = `
  const express = (await import('express')).default
  const { createClient, createMLMiddleware } = await import('@aegis/ml-client')
  process.on('unhandledRejection', () => process.exit(9))
  const app = express()
  const client = createClient({ baseUrl: process.env.BASE_URL, timeoutMs: 500 })
  app.use(createMLMiddleware({ enabled: true, aggregationIntervalMs: 100, client, record: true,
    onAnomaly: () => { throw new Error('no pager') } }))
  app.get('/', (request, response) => response.send('ok'))
  const server = app.listen(0, '127.0.0.1', async () => {
    await (await fetch('http://127.0.0.1:' + server.address().port)).text()
    await new Promise((resolve) => setTimeout(resolve, 500))
    server.close()
    server.closeAllConnections()
  })`

for (const [name, fault] of [['is away', null] as const, ...Object.entries(FAULTS)]) {
  t.test(`a gateway whose service ${name} ends by itself when its server closes`, async (t) => {
    const service = fault && (await reportingService(t))
    if (service) service.misbehave = fault
    const url = service?.url ?? `http://127.0.0.1:${await freePort()}`
    const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], {
      env: { PATH: process.env['PATH'], BASE_URL: url },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let warnings = ''
    child.stderr.on('data', (text: Buffer) => (warnings += text.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    t.equal(code, 0, warnings)
    t.ok(warnings.split('AEGIS ML is away').length <= 2, warnings)
  })
}
