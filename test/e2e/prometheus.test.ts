import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { testDatabase, testDirectory } from '../postgres.js'
import { testService, type Service } from '../service.js'
import { ENVOY_ERROR_SHARE, EnvoyHistory, LATENCIES } from './envoy-history.js'
import { recordingProxy, startPrometheus } from './prometheus-server.js'

const skip = missingProgram('prometheus') || missingProgram('promtool')
const DAYS = 2

const envoy = { PROMETHEUS_PRESET: 'envoy', RETENTION_DAYS: '4' }

async function problems({ get }: Service): Promise<string[]> {
  return (await get('/health')).body.data['problems'] as string[]
}

/** Waits until the minutes up to now are fetched. */
function fetched({ sql }: Pick<Service, 'sql'>) {
  const sinceMs = Date.now() - 2 * MINUTE_MS
  return eventually(
    async () => {
      const rows = await sql`select from aegis_ml_prometheus_state where fetched_to >= ${new Date(sinceMs)}`
      return rows.length > 0
    },
    { what: 'the minutes of Prometheus' },
  )
}

interface Row {
  readonly minute: Date
  readonly requests: number
  readonly errors: number
  readonly latency_avg: number | null
  readonly latency_p95: number | null
  readonly latency_p99: number | null
}

t.test('the history of Prometheus', { skip }, async (t) => {
  const history = new EnvoyHistory(Date.now(), DAYS)
  const target = await startPrometheus(t, { lines: history.lines() })
  t.jobs = 1

  await t.test(
    'is fetched below its limit of points, is that of the gateway, and trains a model',
    async (t) => {
      const proxy = await recordingProxy(t, target)
      const service = await testService(t, { ...envoy, PROMETHEUS_URL: proxy.url })
      await fetched(service)
      await compare(t, service, history)
      for (const { path, start, end } of proxy.asked) {
        if (path.endsWith('/query_range')) t.ok((end - start) / 60 + 1 <= 11_000, `${start} to ${end}`)
      }
      t.ok(
        proxy.asked.some(({ query }) => query.includes('[90s]')),
        'the window is a minute and the interval of the scrapes',
      )

      const { body } = await service.post('/train', { days: DAYS })
      t.match(body.data, {
        anomaly_detector: { trained: true },
        rate_optimizer: { trained: false, error: 'Insufficient training data' },
      })
      const [version] = (await service.get('/model/versions')).body.data['anomaly_detector'] as {
        source: string
      }[]
      t.equal(version!.source, 'prometheus')
      const minuteMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
      const usual = {
        timestamp: new Date(minuteMs).toISOString(),
        requests_per_second: history.requests(minuteMs) / 60,
        avg_latency_ms: LATENCIES.avgLatency,
        p95_latency_ms: LATENCIES.p95Latency,
        p99_latency_ms: LATENCIES.p99Latency,
        error_rate: ENVOY_ERROR_SHARE,
      }
      const verdict = async (changes: object) =>
        (await service.post('/detect', { ...usual, ...changes })).body.data
      t.match(await verdict({}), { anomaly: false })
      t.match(await verdict({ error_rate: 0.4 }), { anomaly: true, anomaly_type: 'error_rate_spike' })
      t.match(await verdict({ p95_latency_ms: 900, p99_latency_ms: 2000 }), { anomaly_type: 'latency_spike' })
      t.match(await verdict({ requests_per_second: 900 }), { anomaly_type: 'traffic_spike' })
    },
  )

  await t.test('is not fetched again after a restart, nor by a second replica', async (t) => {
    const proxy = await recordingProxy(t, target)
    const database = await testDatabase(t)
    const environment = { ...envoy, PROMETHEUS_URL: proxy.url }
    await t.test('two replicas at once', async (t) => {
      const replicas = await Promise.all([1, 2].map(() => testService(t, environment, database)))
      await fetched(replicas[0]!)
      const starts = proxy.asked.filter(({ query, start }) => query.startsWith('sum(rate(envoy') && start > 0)
      const early = starts
        .map(({ query, start }) => `${start} ${query}`)
        .filter((text) => text.includes('_rq_xx'))
      t.equal(new Set(early).size, early.length, 'nothing is asked twice')
    })
    proxy.asked.length = 0
    await database.sql`update aegis_ml_prometheus_state set fetched_to = fetched_to - interval '1 hour'`
    const restarted = await testService(t, environment, database)
    await fetched(restarted)
    const first = Math.min(...proxy.asked.map(({ start }) => start).filter((start) => start > 0))
    const minutesBack = (Date.now() / 1000 - first) / 60
    t.ok(minutesBack > 60 && minutesBack < 90, `${minutesBack} minutes back`)
  })

  await t.test('waits for a Prometheus that is down; health says so, and training goes on', async (t) => {
    const proxy = await recordingProxy(t, target)
    proxy.isDown = true
    const service = await testService(t, { ...envoy, PROMETHEUS_URL: proxy.url })
    const [problem] = await eventually(async () => {
      const found = await problems(service)
      return found.length > 0 && found
    })
    t.match(
      problem,
      /^Prometheus gives no minutes: .*\. The missing minutes are fetched when it answers again\.$/,
    )
    const { body } = await service.post('/train', { models: ['anomaly'] })
    t.match(body.data['anomaly_detector'], { trained: false, samples: 0, warnings: [problem] })
    proxy.isDown = false
    await fetched(service)
    await eventually(async () => (await problems(service)).length === 0)
    await compare(t, service, history)
  })

  await t.test('is asked for in shorter ranges when a day is too much', async (t) => {
    const small = await startPrometheus(t, { lines: history.lines() }, ['--query.max-samples=6000'])
    const proxy = await recordingProxy(t, small)
    const service = await testService(t, { ...envoy, PROMETHEUS_URL: proxy.url })
    await fetched(service)
    await compare(t, service, history)
    t.ok(proxy.asked.some(({ start, end }) => end - start < 12 * 3600))
  })

  await t.test('is asked for with custom queries and a token, and latencies may be missing', async (t) => {
    const proxy = await recordingProxy(t, target)
    const folder = await testDirectory(t)
    const counter = 'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="ingress_http"}'
    const queries = {
      requests: `sum(rate(${counter}[$window]))`,
      errors: 'sum(rate(envoy_http_downstream_rq_xx{envoy_response_code_class="4"}[$window]))',
    }
    await writeFile(join(folder, 'queries.json'), JSON.stringify(queries))
    await writeFile(join(folder, 'token'), 'the-token\n')
    const service = await testService(t, {
      PROMETHEUS_URL: `${proxy.url}/`,
      PROMETHEUS_QUERIES: join(folder, 'queries.json'),
      PROMETHEUS_TOKEN_FILE: join(folder, 'token'),
      PROMETHEUS_SOURCE: 'edge',
      PROMETHEUS_WINDOW: '90',
      RETENTION_DAYS: '3',
    })
    await fetched(service)
    t.same([...new Set(proxy.asked.map(({ authorization }) => authorization))], ['Bearer the-token'])
    const rows = await service.sql<{ source: string; errors: number; unknown: number }[]>`
      select source, sum(errors) as errors, count(*) filter (where latency_p95 is null and latency_avg is null)::int
        = count(*) as unknown from aegis_ml_prometheus_minutes group by 1`
    t.same([...rows], [{ source: 'edge', errors: 0, unknown: true }])
    const { body } = await service.post('/train', { days: DAYS, source: 'prometheus', models: ['anomaly'] })
    t.match(body.data['anomaly_detector'], {
      trained: true,
      warnings: [/avg_latency_ms.* not judged/, /days/],
    })
    const slow = {
      requests_per_second: 20,
      avg_latency_ms: 1,
      p95_latency_ms: 1,
      p99_latency_ms: 1,
      error_rate: 0,
    }
    t.not((await service.post('/detect', slow)).body.data['anomaly_type'], 'latency_spike')
  })

  await t.test('of a selector that fits nothing is a problem that names the settings', async (t) => {
    const service = await testService(t, {
      ...{ ...envoy, PROMETHEUS_URL: target, PROMETHEUS_SELECTOR: 'envoy_http_conn_manager_prefix="other"' },
    })
    await fetched(service)
    await eventually(async () => (await problems(service)).some((text) => /PROMETHEUS_SELECTOR/.test(text)))
    const rows = await service.sql`select from aegis_ml_prometheus_minutes`
    t.equal(rows.length, 0)
  })

  await t.test('is not learned from while the traffic table has rows, unless it is asked for', async (t) => {
    const service = await testService(t, { ...envoy, PROMETHEUS_URL: target })
    await fetched(service)
    await service.sql`insert into request_logs ("timestamp", method, path, status_code, response_time_ms)
      select now() - n * interval '20 seconds', 'GET', '/', 200, 5 from generate_series(10, 300) n`
    const samples = async (request: object) =>
      (
        (await service.post('/train', { models: ['anomaly'], ...request })).body.data['anomaly_detector'] as {
          samples: number
        }
      ).samples
    t.ok((await samples({})) < 110)
    t.ok((await samples({ source: 'table' })) < 110)
    t.ok((await samples({ source: 'prometheus' })) > 1000)
  })
})

t.test('without PROMETHEUS_URL there is no such source', async (t) => {
  const service = await testService(t)
  t.match(await service.post('/train', { source: 'prometheus' }), {
    status: 400,
    body: { code: 'INVALID_REQUEST', message: /^source is "prometheus"; allowed is table/ },
  })
  t.same(await problems(service), [])
})

/** The rows of every minute of the history up to now, against what the gateway did. */
async function compare(t: Test, { sql }: Service, history: EnvoyHistory): Promise<void> {
  const rows = await sql<Row[]>`select * from aegis_ml_prometheus_minutes order by minute`
  const byTime = new Map(rows.map((row) => [row.minute.getTime(), row]))
  const untilMs = rows.at(-1)!.minute.getTime()
  let worst = 0
  let missing = 0
  const close = (value: number | null, truth: number) => {
    worst = Math.max(worst, Math.abs((value ?? 0) / truth - 1))
  }
  for (let minuteMs = history.fromMs; minuteMs <= untilMs; minuteMs += MINUTE_MS) {
    if (!history.isKnown(minuteMs)) continue
    const row = byTime.get(minuteMs)
    if (row === undefined) {
      missing++
      continue
    }
    const requests = history.requests(minuteMs)
    close(row.requests, requests)
    close(row.errors, requests * ENVOY_ERROR_SHARE)
    close(row.latency_avg, LATENCIES.avgLatency)
    close(row.latency_p95, LATENCIES.p95Latency)
    close(row.latency_p99, LATENCIES.p99Latency)
  }
  t.equal(missing, 0, 'every minute with samples is there')
  t.ok(worst < 0.01, `at most ${(100 * worst).toFixed(2)} % off`)
  const inGap = rows.filter(({ minute }) => {
    const timeMs = minute.getTime()
    return timeMs >= history.gap.fromMs + 2 * MINUTE_MS && timeMs < history.gap.toMs
  })
  t.equal(inGap.length, 0, 'a minute without samples is unknown')
  t.ok(
    Math.min(...rows.map(({ requests }) => requests)) > 100,
    'the restart of the counters is no drop of traffic',
  )
}
