import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient, createMLMiddleware, type MLMiddlewareOptions } from '@aegis/ml-client'
import t from 'tap'
import { eventually } from '../eventually.js'
import { GATEWAYS } from './gateways.js'
import { reportingService } from './reporting-service.js'
import { HOUR_MS } from '../../models/traffic/durations.js'

/** Tells of each request that it came, once its answer is as far as it gets. */
const arrivals = new EventEmitter<{ came: [ServerResponse] }>()

/** Answers as the path says: a status, `slow` after some ms, `events` with headers set or written, `never`. */
function handler({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  const [what = '', ms] = url.slice(1).split('?')
  if (what === 'slow') setTimeout(() => response.end('slow'), Number(ms))
  else if (what.startsWith('events')) {
    if (what === 'events') response.setHeader('content-type', 'text/event-stream; charset=utf-8')
    else response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write('data: 1\n\n')
  } else if (what !== 'never') {
    response.statusCode = Number(what) || 200
    response.end('answer')
  }
  arrivals.emit('came', response)
}

/** Goes before the answer is whole, and waits until the gateway has noticed. */
async function leave(url: string): Promise<void> {
  const abort = new AbortController()
  const came = once(arrivals, 'came') as Promise<[ServerResponse]>
  const answer = fetch(url, { signal: abort.signal }).catch(() => undefined)
  const [response] = await came
  const closed = once(response, 'close')
  abort.abort()
  await answer
  await closed
}

for (const [name, start] of Object.entries(GATEWAYS)) {
  const watched = async (t: Parameters<typeof start>[0], more: MLMiddlewareOptions = {}) => {
    const service = await reportingService(t)
    const client = createClient({ baseUrl: service.url })
    const options = { enabled: true, aggregationIntervalMs: HOUR_MS, client, ...more }
    return { service, gateway: await start(t, options, handler) }
  }

  t.test(`${name}: the last interval is reported on close, with all that came`, async (t) => {
    const { service, gateway } = await watched(t, { source: 'edge-1' })
    const paths = [...Array<string>(16).fill('/200'), '/304', '/404', '/503']
    const since = performance.now()
    for (const path of paths) await (await fetch(gateway.url + path)).text()
    // Longer than any of the others took, on whatever machine.
    const slowMs = Math.ceil(200 + 2 * (performance.now() - since))
    await (await fetch(`${gateway.url}/slow?${slowMs}`)).text()
    await gateway.close()
    t.equal(service.reports.length, 1)
    const report = service.reports[0]!
    t.match(report, {
      source: 'edge-1',
      total_requests: 20,
      status_2xx: 17,
      status_4xx: 1,
      status_5xx: 1,
      error_rate: 0.1,
    })
    t.notOk('traffic_only' in report)
    t.ok(report.p99_latency_ms >= 0.95 * slowMs && report.p95_latency_ms < report.p99_latency_ms)
    t.ok(report.avg_latency_ms >= 10 && report.avg_latency_ms < report.p99_latency_ms)
    t.ok(Math.abs(report.requests_per_second * report.interval_seconds! - 20) < 1e-6)
    const endMs = Date.parse(report.timestamp!) + report.interval_seconds! * 1000
    t.ok(Math.abs(endMs - Date.now()) < 60_000, 'timestamp is when the interval began')
  })

  t.test(`${name}: a client that goes before its answer counts as 499`, async (t) => {
    const { service, gateway } = await watched(t)
    await leave(`${gateway.url}/never`)
    await gateway.close()
    t.match(service.reports, [{ total_requests: 1, status_4xx: 1, status_2xx: 0, error_rate: 1 }])
  })

  t.test(`${name}: excluded paths are neither counted nor recorded`, async (t) => {
    const { service, gateway } = await watched(t, { exclude: ['/503', '/500*'], record: true })
    for (const path of ['/503', '/503?deep=1', '/500', '/500/x', '/200', '/200/503']) {
      await (await fetch(gateway.url + path)).text()
    }
    await gateway.close()
    t.match(service.reports, [{ total_requests: 2, status_5xx: 0, error_rate: 0 }])
    const recorded = service.batches.flatMap(({ requests }) => requests.map(({ path }) => path))
    t.same(recorded.sort(), ['/200', '/200/503'])
  })

  t.test(`${name}: event streams count when they end, without latency and without failure`, async (t) => {
    const { service, gateway } = await watched(t, { minRequestsForAnalysis: 1 })
    const open = new AbortController()
    t.teardown(() => open.abort())
    await fetch(`${gateway.url}/events`, { signal: open.signal })
    await leave(`${gateway.url}/events`)
    await leave(`${gateway.url}/events-written`)
    const middle = service.reports.length
    await gateway.close()
    t.equal(middle, 0)
    // The third one ends with the server, before or after its last report.
    const { total_requests: total = 0, status_2xx: good, ...report } = service.reports[0]!
    t.ok(total >= 2 && total === good, `${total} streams`)
    t.match(report, { error_rate: 0, avg_latency_ms: 0, p99_latency_ms: 0, traffic_only: true })
  })
}

t.test('silence is reported, and that nothing but the rate is to be judged', async (t) => {
  const service = await reportingService(t)
  const middleware = createMLMiddleware({
    enabled: true,
    aggregationIntervalMs: 100,
    client: createClient({ baseUrl: service.url }),
  })
  const since = performance.now()
  await eventually(() => service.reports.length >= 3)
  await middleware.close()
  const intervals = Math.ceil((performance.now() - since) / 100)
  const closedMs = Date.now()
  t.ok(service.reports.length <= intervals + 1, `${service.reports.length} reports`)
  t.ok(service.reports.every((report) => report.total_requests === 0 && report.traffic_only === true))
  t.match(middleware.status(), { enabled: true, reachable: true, judged: { verdict: { anomaly: false } } })
  t.equal(middleware.status().source, service.reports[0]!.source)
  t.match(middleware.status().source, new RegExp(`-${process.pid}$`))
  await delay(250)
  const later = service.reports.filter(({ timestamp }) => Date.parse(timestamp!) > closedMs)
  t.same(later, [], 'nothing after close')
})

t.test('switched off, the middleware passes by', async (t) => {
  const service = await reportingService(t)
  const client = createClient({ baseUrl: service.url })
  for (const [name, start] of Object.entries(GATEWAYS)) {
    const gateway = await start(t, { enabled: false, client, record: true }, handler)
    t.equal((await fetch(`${gateway.url}/200`)).status, 200, name)
    await gateway.close()
  }
  process.env['ML_SERVICE_ENABLED'] = 'false'
  t.teardown(() => delete process.env['ML_SERVICE_ENABLED'])
  t.equal(createMLMiddleware({ client }).status().enabled, false)
  t.same(service.asked, [])
})

t.test('a wrong option is named', async (t) => {
  t.throws(() => createMLMiddleware({ aggregationIntervalMs: 0 }), /aggregationIntervalMs is 0/)
  t.throws(() => createMLMiddleware({ alertThreshold: 7 }), /alertThreshold is 7; allowed is 0 to 1/)
  t.throws(() => createMLMiddleware({ source: '' }), /length of source is 0/)
  for (const path of ['', 'health', '/a*b', '*', '/a?b', '/'.repeat(501)]) {
    t.throws(() => createMLMiddleware({ exclude: ['/ok', path] }), /^exclude\[1\] is ".*"; allowed is/)
  }
  t.throws(() => createMLMiddleware({ exclude: Array<string>(101).fill('/a') }), /exclude has 101 paths/)
})
