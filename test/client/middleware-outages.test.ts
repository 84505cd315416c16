import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createClient, createMLMiddleware } from '@aegis/ml-client'
import t, { type Test } from 'tap'
import { freePort } from '../e2e/process.js'
import { eventually } from '../eventually.js'
import { DAY_MS, HOUR_MS } from '../../models/traffic/durations.js'
import { settingsOf, TrafficMonitor } from './core.js'
import { HandClock } from './hand-clock.js'
import { reportingService } from './reporting-service.js'

/** A core that reports once a day, on a clock that is moved by hand. */
function monitored(t: Test, baseUrl: string, timeoutMs: number) {
  const told: string[] = []
  const tell = (message: string) => told.push(message)
  const clock = new HandClock('2026-01-31T12:00:00Z')
  const client = createClient({ baseUrl, timeoutMs })
  const settings = settingsOf({ aggregationIntervalMs: DAY_MS, client, warn: tell, info: tell })
  const monitor = new TrafficMonitor(settings, clock)
  t.teardown(() => monitor.close())
  return { monitor, clock, told }
}

/** Time passes while nothing is under way, so that there is one report at a time. */
function timePasses(clock: HandClock, until: () => boolean, isBusy = () => false): Promise<true> {
  return eventually(() => {
    if (!isBusy()) clock.pass(HOUR_MS)
    return until()
  })
}

t.test('a service that is away is one warning until it is back', async (t) => {
  const port = await freePort()
  const { monitor, clock, told } = monitored(t, `http://127.0.0.1:${port}`, 60_000)
  await timePasses(clock, () => told.length > 0)
  const since = clock.asked
  await timePasses(clock, () => clock.asked >= since + 6)
  t.equal(told.length, 1, 'further reports that fail are not told')
  t.match(told[0], /^AEGIS ML is away; the gateway continues without it\. .*ECONNREFUSED/)
  t.equal(monitor.isReachable, false)
  const service = await reportingService(t, port)
  await timePasses(
    clock,
    () => monitor.judged !== null,
    () => service.open() > 0,
  )
  await monitor.close()
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
    const { monitor, clock, told } = monitored(t, service.url, name === 'does not answer' ? 500 : 60_000)
    const isBusy = () => service.open() > 0
    await timePasses(clock, () => monitor.isReachable === false, isBusy)
    service.misbehave = undefined
    await timePasses(clock, () => monitor.isReachable === true, isBusy)
    await monitor.close()
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
  await eventually(() => told.length > 0)
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

t.test('a gateway ends by itself when its server closes', { jobs: 5 }, async (t) => {
  for (const [name, fault] of [['is away', null] as const, ...Object.entries(FAULTS)]) {
    t.test(`whose service ${name}`, { buffered: true }, async (t) => {
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
})
