import t, { type Test } from 'tap'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { testDatabase } from '../postgres.js'
import { testService, type Service } from '../service.js'

/** Two days and a half of requests that end an hour ago, one every twenty seconds or so. */
const END = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
const ROWS = Array.from({ length: 10_000 }, (_, i) => ({
  time: new Date(END - 2.5 * DAY_MS + i * 21_000 + (i % 7) * 100).toISOString(),
  path: `/items/${i % 3 === 0 ? 'a' : 7}`,
  status: i % 40 === 0 ? 500 : 200,
  ms: 10 + (i % 23),
  address: `10.0.0.${i % 30}`,
}))

/** A service on a database in America, whose times are in a zone without the table saying so, or say it. */
async function installed(t: Test, zone: string | null): Promise<Service> {
  const database = await testDatabase(t)
  const { sql, connection } = database
  await sql.unsafe(`alter database ${connection.database} set timezone to 'America/Chicago'`)
  await sql.unsafe(`
    create table request_logs (timestamp ${zone === null ? 'timestamptz' : 'timestamp'}, method text, path text,
      status_code int, response_time_ms int, user_id text, ip_address inet);
    create index on request_logs (timestamp)`)
  await sql`
    insert into request_logs
    select ${zone === null ? sql`time` : sql`time at time zone ${zone}`}, 'GET', path, status, ms, null, address::inet
    from jsonb_to_recordset(${sql.json(ROWS)}) as x (time timestamptz, path text, status int, ms int, address text)`
  return testService(t, { RETENTION_DAYS: '2', ...(zone !== null && { TRAFFIC_TIME_ZONE: zone }) }, database)
}

/** All that is read of the table. */
async function readings({ app, post, get }: Service) {
  const until = new Date(END).toISOString()
  const from = (hours: number) => new Date(END - hours * HOUR_MS).toISOString()
  const exported = async (hours: number, bucket: string) => {
    const range = `from=${from(hours)}&to=${until}&bucket=${bucket}&format=csv`
    const { statusCode, body } = await app.inject(`/export/training-data?${range}`)
    t.equal(statusCode, 200)
    return body
  }
  const rolledUp = [await exported(36, '1m'), await exported(36, '6h')]
  const raw = [await exported(60, '1h')]
  const trained = (await post('/train', { from: from(60), to: until })).body.data
  const info = (await get('/model/info')).body.data['anomaly_detector'] as Record<string, unknown>
  const profiles = (await get('/export/endpoint-profiles')).body.data
  const range = { from: from(60), to: until, limit: 2, algorithm: 'fixed_window', scope: 'client' }
  const backtest = { ...(await post('/optimize/backtest', range)).body.data, seconds: 0 }
  return {
    ...{ rolledUp, raw, profiles, backtest, baselines: info['baselines'] },
    samples: (trained['anomaly_detector'] as { samples: number }).samples,
  }
}

t.test('times without a time zone are those of TRAFFIC_TIME_ZONE, wherever the database is', async (t) => {
  const expected = await readings(await installed(t, null))
  t.equal(expected.samples, 3500)
  for (const zone of ['UTC', 'Asia/Kathmandu']) {
    await t.test(zone, async (t) => {
      const service = await installed(t, zone)
      t.same(await readings(service), expected)

      // What the service writes is read back as the same time.
      const at = new Date(Date.now() - 5 * MINUTE_MS)
      const request = { timestamp: at.toISOString(), method: 'GET', path: '/new', status_code: 200 }
      t.equal((await service.post('/ingest/requests', { batch_id: 'b', requests: [request] })).status, 202)
      const [stored] = await service.sql`
        select timestamp at time zone ${zone} as time from request_logs where path = '/new'`
      t.same(stored, { time: at })
      const { body } = await service.app.inject('/export/training-data?days=1&format=csv')
      t.match(body, new RegExp(`,${at.toISOString().slice(0, 16)}:00`, 'm'))
    })
  }
})

t.test('a column of another type is refused with what is allowed', async (t) => {
  const { sql, ...database } = await testDatabase(t)
  await sql`create table request_logs (timestamp text, method text, path text, status_code int, response_time_ms int,
    user_id text, ip_address text)`
  await sql`insert into request_logs values ('2026-01-31', 'GET', '/', 200, 5)`
  const service = await testService(t, {}, { sql, ...database })
  const refused = {
    status: 409,
    body: {
      code: 'TRAFFIC_TABLE_UNUSABLE',
      message: /column timestamp of the type text; allowed is timestamp with or/,
    },
  }
  t.match(await service.post('/train'), refused)
  t.match(await service.get('/export/training-data'), refused)
})
