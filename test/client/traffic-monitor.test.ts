import { createClient, type MLMiddlewareOptions } from '@aegis/ml-client'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { settingsOf, TrafficMonitor } from './core.js'
import { HandClock } from './hand-clock.js'
import { reportingService, VERDICT } from './reporting-service.js'

async function monitored(t: Test, options: MLMiddlewareOptions = {}) {
  const service = await reportingService(t)
  const clock = new HandClock('2026-01-31T12:00:00Z')
  const told: string[] = []
  const client = createClient({ baseUrl: service.url, timeoutMs: 1_000 })
  const tell = (message: string) => told.push(message)
  const monitor = new TrafficMonitor(settingsOf({ client, warn: tell, info: tell, ...options }), clock)
  t.teardown(() => monitor.close())
  // The timers are a millisecond late, on purpose.
  clock.pass(1)
  const reports = (count: number) =>
    eventually(async () => service.reports.length === count && service.reports)
  return { service, clock, told, monitor, reports }
}

t.test('100,000 requests in an interval are one report, whose figures are right', async (t) => {
  const { clock, monitor, reports } = await monitored(t, { source: 'edge-1' })
  for (let request = 1; request <= 100_000; request++) {
    monitor.count(request % 50 === 0 ? 503 : 200, request / 1_000)
  }
  clock.pass(60_000)
  const [report] = await reports(1)
  t.match(report, {
    timestamp: '2026-01-31T12:00:00.000Z',
    total_requests: 100_000,
    status_2xx: 98_000,
    status_5xx: 2_000,
    error_rate: 0.02,
    source: 'edge-1',
  })
  t.ok(Math.abs(report!.avg_latency_ms - 50.0005) < 1e-6)
  t.ok(Math.abs(report!.p95_latency_ms / 95 - 1) <= 0.01)
  t.ok(Math.abs(report!.p99_latency_ms / 99 - 1) <= 0.01)
  t.ok(Math.abs(report!.requests_per_second * report!.interval_seconds! - 100_000) < 1e-6)
})

t.test('below the least number of requests the rate alone is to be judged', async (t) => {
  const { clock, monitor, reports } = await monitored(t, { minRequestsForAnalysis: 3 })
  for (const requests of [0, 2, 3]) {
    for (let request = 0; request < requests; request++) monitor.count(200, 5)
    clock.pass(60_000)
    await reports([0, 2, 3].indexOf(requests) + 1)
  }
  t.same(
    (await reports(3)).map(({ total_requests, traffic_only }) => [total_requests, traffic_only]),
    [
      [0, true],
      [2, true],
      [3, undefined],
    ],
  )
})

t.test('onAnomaly hears of what is strong enough; one that throws or rejects does no harm', async (t) => {
  const heard: unknown[] = []
  const { service, clock, told, monitor } = await monitored(t, {
    alertThreshold: 0.8,
    onAnomaly(verdict, metrics) {
      heard.push([verdict.normalized_score, metrics.total_requests])
      if (heard.length === 1) throw new Error('no pager')
      return Promise.reject(new Error('no mail'))
    },
  })
  const scores = [0.79, 0.8, 1]
  service.misbehave = (request, response) => {
    request.resume()
    const data = { ...VERDICT, anomaly: true, normalized_score: scores.shift() }
    response.end(JSON.stringify({ success: true, data }))
  }
  for (const asked of [1, 2, 3]) {
    monitor.count(200, 5)
    clock.pass(60_000)
    await eventually(async () => service.asked.length === asked)
    await eventually(async () => monitor.judged?.verdict.normalized_score === [0.79, 0.8, 1][asked - 1])
  }
  await eventually(async () => told.length === 2)
  t.same(heard, [
    [0.8, 1],
    [1, 1],
  ])
  t.same(told, ['onAnomaly failed: no pager', 'onAnomaly failed: no mail'])
  service.misbehave = undefined
})

t.test('onResolved hears once of the end of an alarm, with its incident', async (t) => {
  const heard: unknown[] = []
  const { service, clock, told, monitor } = await monitored(t, {
    onAnomaly: ({ incident_id = null }) => heard.push(['anomaly', incident_id]),
    onResolved({ incidentId, since }, { normalized_score }, { total_requests }) {
      heard.push(['resolved', incidentId, since, normalized_score, total_requests])
      throw new Error('no mail')
    },
  })
  const [anomaly, sinceFirst] = [{ anomaly: true, normalized_score: 0.9 }, '2026-01-31T12:01:00.000Z']
  const verdicts = [
    { normalized_score: 0.1, alarm_since: null },
    { ...anomaly, alarm_since: sinceFirst },
    { ...anomaly, alarm_since: sinceFirst, incident_id: '7' },
    { normalized_score: 0.2, alarm_since: sinceFirst, incident_id: '7' },
    { anomaly: true, normalized_score: 0.6, alarm_since: sinceFirst, incident_id: '7' },
    { normalized_score: 0.3, alarm_since: null, incident_id: '7' },
    { normalized_score: 0.1, alarm_since: null },
    // A service of the release before tells neither.
    anomaly,
    { normalized_score: 0.4 },
  ]
  const intervals = verdicts.map((verdict, minute) => {
    const timestamp = new Date(Date.parse('2026-01-31T12:00:00Z') + minute * 60_000).toISOString()
    return { ...VERDICT, timestamp, ...verdict }
  })
  service.misbehave = (request, response) => {
    request.resume()
    response.end(JSON.stringify({ success: true, data: intervals[service.asked.length - 1] }))
  }
  for (const { timestamp } of intervals) {
    monitor.count(200, 5)
    clock.pass(60_000)
    await eventually(async () => monitor.judged?.verdict.timestamp === timestamp)
  }
  await eventually(async () => told.length === 2)
  t.same(heard, [
    ['anomaly', null],
    ['anomaly', '7'],
    ['resolved', '7', sinceFirst, 0.3, 1],
    ['anomaly', null],
    ['resolved', null, '2026-01-31T12:07:00.000Z', 0.4, 1],
  ])
  t.same(told, ['onResolved failed: no mail', 'onResolved failed: no mail'])
  service.misbehave = undefined
})

t.test(
  'a service that hangs has at most three reports under way; close does not wait for them',
  async (t) => {
    const { service, clock, monitor } = await monitored(t)
    service.misbehave = () => undefined
    for (let minute = 0; minute < 10; minute++) clock.pass(60_000)
    await eventually(async () => service.asked.length === 3)
    clock.pass(30_000)
    const since = performance.now()
    await monitor.close()
    t.ok(performance.now() - since < 5_000, 'a second is the time limit')
    t.equal(service.asked.length, 4, 'the last one is sent all the same')
    t.equal(monitor.isReachable, false)
  },
)

t.test('a model that is not trained is told once, and when it is', async (t) => {
  const { service, clock, told, monitor } = await monitored(t)
  service.misbehave = (request, response) => {
    request.resume()
    const failure = { success: false, code: 'MODEL_NOT_TRAINED', message: 'Train one with POST /train.' }
    response.writeHead(409).end(JSON.stringify(failure))
  }
  for (const asked of [1, 2]) {
    clock.pass(60_000)
    await eventually(async () => service.asked.length === asked)
    await eventually(async () => told.length === 1)
  }
  service.misbehave = undefined
  clock.pass(60_000)
  await eventually(async () => monitor.judged !== null)
  t.same(told, ['Judging traffic fails: Train one with POST /train.', 'Judging traffic works now.'])
  t.equal(monitor.isReachable, true)
})
