import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { testDatabase } from '../postgres.js'
import { eventually } from '../eventually.js'
import { holdVersions } from './traffic.js'
import { testService, USUAL, USUAL_MONDAY, type Service } from '../service.js'

const minuteOf = (timeMs: number) => Math.floor(timeMs / MINUTE_MS)

/** Requests of the last whole minutes, `perMinute` in each, as a gateway writes them. */
async function insertRequests(
  { sql }: Service,
  table: string,
  minutes: number,
  perMinute: number,
): Promise<void> {
  const duration = table === 'request_logs' ? 'response_time_ms' : 'duration_ms'
  const end = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
  const rows = Array.from({ length: minutes * perMinute }, (_, index) => ({
    timestamp: new Date(end - MINUTE_MS * Math.floor(index / perMinute) - 10 * (1 + (index % 50))),
    method: 'GET',
    path: `/api/items/${index % 20}`,
    status_code: index % 97 === 0 ? 500 : 200,
    [duration]: 30 + ((index * 7919) % 41),
  }))
  for (let start = 0; start < rows.length; start += 1000) {
    await sql`insert into ${sql(table)} ${sql(rows.slice(start, start + 1000))}`
  }
}

for (const table of ['request_logs', 'request_metrics']) {
  t.test(`requests in ${table} train a model that tells usual from unusual`, async (t) => {
    const service = await testService(t, { TRAFFIC_TABLE: table })
    await insertRequests(service, table, 90, 120)
    const { body } = await service.post('/train')
    t.match(body.data, {
      anomaly_detector: { trained: true, score_threshold: Number },
      rate_optimizer: { trained: true, endpoints: 1 },
    })
    const usual = {
      requests_per_second: 2,
      avg_latency_ms: 50,
      p95_latency_ms: 68,
      p99_latency_ms: 70,
      error_rate: 0.01,
    }
    t.match((await service.post('/detect', usual)).body.data, { anomaly: false })
    const faults = [
      { requests_per_second: 20, anomaly_type: 'traffic_spike' },
      { requests_per_second: 0.05, anomaly_type: 'traffic_drop' },
      { avg_latency_ms: 400, p95_latency_ms: 800, p99_latency_ms: 900, anomaly_type: 'latency_spike' },
      { error_rate: 0.4, anomaly_type: 'error_rate_spike' },
    ]
    for (const { anomaly_type, ...fault } of faults) {
      t.match((await service.post('/detect', { ...usual, ...fault })).body.data, {
        anomaly: true,
        anomaly_type,
      })
    }
  })
}

t.test('a minute is figured as plain SQL over its rows would, the present one left out', async (t) => {
  // When the minute passes before the training, it is not the present one: then once more, from the beginning.
  const { service, body } = await eventually(async () => {
    const service = await testService(t)
    await insertRequests(service, 'request_logs', 12, 30)
    const began = minuteOf(Date.now())
    await service.sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
      select now(), 'GET', '/', 200, 1 from generate_series(1, 5000)`
    const { body } = await service.post('/train', { days: 1 })
    return minuteOf(Date.now()) === began && { service, body }
  })
  const { baselines } = (await service.get('/model/info')).body.data['anomaly_detector'] as {
    baselines: { requests_per_second: { max: number } }
  }
  t.ok((body.data['anomaly_detector'] as { samples: number }).samples <= 13)
  t.ok(baselines.requests_per_second.max <= 1, `${baselines.requests_per_second.max}`)
})

t.test('rows that say nothing are left out, and a table that does not fit is named', async (t) => {
  const service = await testService(t)
  await insertRequests(service, 'request_logs', 30, 30)
  const { sql } = service
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    values (now() - interval '3 hours', 'GET', '/', 200, -3), (now() - interval '4 hours', 'GET', '/', null, null),
      (now() + interval '3 hours', 'GET', '/', 200, 5)`
  t.match((await service.post('/train')).body.data, { anomaly_detector: { trained: true } })
  await sql`alter table request_logs drop column response_time_ms`
  t.match(await service.post('/train'), {
    status: 409,
    body: { code: 'TRAFFIC_TABLE_UNUSABLE', message: /request_logs lacks the column response_time_ms/ },
  })
})

t.test('a role that may not make tables is told what it lacks', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const role = `reader_${connection.database}`
  await sql`create table request_logs (timestamp timestamptz, status_code int, response_time_ms int)`
  await sql`insert into request_logs select now() - i * interval '1 second', 200, 20 + i % 7
    from generate_series(60, 6000) i`
  await sql.unsafe(`create role ${role} login password 'reader'; grant select on request_logs to ${role}`)
  t.teardown(() => sql.unsafe(`drop owned by ${role}; drop role ${role}`))
  const service = await testService(t, {
    POSTGRES_DB: connection.database,
    POSTGRES_USER: role,
    POSTGRES_PASSWORD: 'reader',
  })
  t.match((await service.get('/health')).body.data, {
    status: 'degraded',
    database: 'connected',
    problems: [/cannot set up its tables \(permission denied.*grant/],
  })
  t.match(await service.post('/train'), {
    status: 503,
    body: { code: 'DATABASE_UNAVAILABLE', message: /permission denied.*Grant its role/ },
  })
})

t.test('too few minutes train nothing, and the active model stays', async (t) => {
  const service = await testService(t)
  await service.post('/generate/synthetic', { duration_hours: 5 })
  await service.post('/train/synthetic')
  const detector = async () => (await service.get('/model/info')).body.data['anomaly_detector']
  const before = await detector()
  await insertRequests(service, 'request_logs', 4, 10)
  t.match((await service.post('/train')).body.data, {
    anomaly_detector: { trained: false, error: 'Insufficient training data', score_threshold: null },
  })
  t.same(await detector(), before)
})

t.test('one run at a time', async (t) => {
  const service = await testService(t)
  await service.post('/generate/synthetic', { duration_hours: 5 })
  // Held open at its last step, so that the others are sure to come while it runs.
  const release = await holdVersions(service.sql)
  const first = service.post('/train/synthetic')
  const status = await eventually(async () => {
    const { data } = (await service.get('/train/status')).body
    return data['training'] === true && data
  })
  t.match(status, { training: true, started_at: String, job: String })
  t.match(await service.post('/train'), { status: 409, body: { code: 'TRAINING_RUNNING' } })
  t.match(await service.post('/train/synthetic'), { status: 409, body: { code: 'TRAINING_RUNNING' } })
  await release()
  t.match((await first).body.data, { trained: true })
  t.match((await service.get('/train/status')).body.data, { training: false, started_at: null })
})

t.test('synthetic traffic is the same for the same seed, and has the size that was asked for', async (t) => {
  const service = await testService(t)
  const generate = async (body?: object) => (await service.post('/generate/synthetic', body)).body.data
  t.match(await generate(), { generated: true, samples: 10_080, anomalies_injected: Number, file: String })
  t.match(await generate({ duration_hours: 1, include_anomalies: false }), {
    samples: 60,
    anomalies_injected: 0,
  })
  t.match(await generate({ duration_hours: 0.001 }), { samples: 1 })
  const file = join(service.dataPath, 'synthetic_training_data.csv')
  // The traffic ends with the present minute, and its rhythm is that of the day: compare what one minute has brought.
  const texts = await eventually(async () => {
    const began = minuteOf(Date.now())
    const generated: string[] = []
    for (const seed of [5, 5, 6]) {
      await generate({ seed, duration_hours: 24 })
      generated.push(await readFile(file, 'utf8'))
    }
    return minuteOf(Date.now()) === began && generated
  })
  const scores: unknown[] = []
  for (const text of texts) {
    await writeFile(file, text)
    await service.post('/train/synthetic')
    scores.push((await service.post('/detect', USUAL_MONDAY)).body.data['score'])
  }
  t.equal(scores[0], scores[1])
  t.not(scores[0], scores[2])
})

t.test('any CSV file with the six columns can be learned from', async (t) => {
  const service = await testService(t)
  t.match(await service.post('/train/synthetic'), { status: 409, body: { code: 'NO_SYNTHETIC_DATA' } })
  const file = join(service.dataPath, 'synthetic_training_data.csv')
  const header =
    '\ufefferror_rate,"p99_latency_ms",p95_latency_ms,avg_latency_ms,requests_per_second,extra,time_bucket'
  const lines = Array.from(
    { length: 60 },
    (_, minute) =>
      `0.01,135,90,45,${50 + (minute % 5)},"a, b",2026-01-31T12:${String(minute).padStart(2, '0')}:00Z`,
  )
  await writeFile(file, [header, ...lines, '0.01,,,,50,,x'].join('\r\n'))
  t.match((await service.post('/train/synthetic')).body.data, { trained: true, samples: 61 })
  t.match((await service.post('/detect', USUAL)).body.data, { anomaly: false })

  const before = (await service.get('/model/info')).body.data
  const refused: [string, RegExp][] = [
    ['', /it is empty/],
    ['timestamp,requests_per_second\n1,2\n', /it has no column avg_latency_ms, p95_latency_ms/],
    [header.replace('time_bucket', 'when'), /it has no column timestamp or time_bucket/],
    [`${header}\n1.5,135,90,45,50,,x`, /in line 2 error_rate is "1.5"; allowed is a number from 0 to 1/],
    [`${header}\n${lines[0]}\n0.01,135,90,fast,50,,x`, /in line 3 avg_latency_ms is "fast"/],
    [`${header}\n0.01,135,90,-45,50,,x`, /in line 2 avg_latency_ms is "-45"/],
    [`${header}\n"0.01,135`, /not a CSV file/],
  ]
  for (const [text, message] of refused) {
    await writeFile(file, text)
    t.match(await service.post('/train/synthetic'), {
      status: 409,
      body: { code: 'INVALID_SYNTHETIC_DATA', message },
    })
  }
  t.same((await service.get('/model/info')).body.data, before)
})

t.test('a history however old is learned from by its range, beyond RETENTION_DAYS too', async (t) => {
  const service = await testService(t, { RETENTION_DAYS: '30' })
  await service.sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select '2015-05-17T10:00Z'::timestamptz + n * interval '3 seconds', 'GET', '/old', 200, 40 + n % 7, 'ann'
    from generate_series(0, 3599) n`
  const late = (await service.post('/train')).body.data
  const hint = /^There are no requests in this range; the newest before it is of 2015-05-17T12:59:57/
  t.match(late, {
    anomaly_detector: { trained: false, samples: 0, warnings: [hint] },
    rate_optimizer: { trained: false, warnings: [hint] },
  })
  await insertRequests(service, 'request_logs', 30, 10)
  const range = { from: '2015-05-17T00:00:00Z', to: '2015-05-18T00:00:00Z' }
  for (const run of ['first', 'again, after the rollups were dropped']) {
    t.match((await service.post('/train', { days: 1 })).body.data, { anomaly_detector: { samples: 30 } }, run)
    t.match(
      (await service.post('/train', range)).body.data,
      { anomaly_detector: { samples: 180 }, rate_optimizer: { trained: true, endpoints: 1, requests: 3600 } },
      run,
    )
    t.match((await service.post('/optimize', { endpoint: '/old' })).body.data, {
      profile: { total_requests: 3600 },
    })
  }
  t.match(await service.post('/train', { days: 7, ...range }), {
    status: 400,
    body: { message: /^days cannot/ },
  })
  t.match(await service.post('/train', { to: range.to }), {
    status: 400,
    body: { message: /^from is required/ },
  })
  t.match(await service.post('/optimize/backtest', { endpoint: '/nobody', limit: 5, ...range }), {
    status: 404,
    body: { code: 'NO_DATA', message: /^There are no requests of \/nobody from 2015-05-17/ },
  })
})

t.test('requests without latencies are told of, by the minute', async (t) => {
  const service = await testService(t)
  await service.sql`
    insert into request_logs (timestamp, method, path, status_code, user_id)
    select date_trunc('minute', now()) - n * interval '10 seconds', 'GET', '/', 200, 'ann'
    from generate_series(1, 600) n`
  t.match((await service.post('/train')).body.data, {
    anomaly_detector: {
      trained: true,
      warnings: [
        /^100 minutes have requests but no latencies/,
        /unknown in every minute, so not judged/,
        /100 minutes/,
      ],
    },
    rate_optimizer: { trained: true, warnings: [] },
  })
  const optimized = async (strategy: string) =>
    (await service.post('/optimize', { endpoint: '/', strategy })).body.data['warnings']
  t.match(await optimized('adaptive'), [/^Only 600/, /^No latency is recorded/])
  t.strictSame(((await optimized('balanced')) as string[]).length, 1, 'no other strategy needs latencies')
})
