import type { Static } from '@sinclair/typebox'
import t from 'tap'
import type { IncidentDetail } from '../../../routes/schemas/incidents.js'
import type { Service } from '../../service.js'
import { testService } from '../../service.js'
import { eventually } from '../../eventually.js'
import { anIncident, STARTED, store } from './an-incident.js'
import { addFlood, addUsualTraffic, aFlood, ENDED } from './a-flood.js'

const incident = async ({ get }: Service, id = '1') => (await get(`/incidents/${id}`)).body.data

t.test('a flood by one new client gets a limit that stops it and touches hardly anybody', async (t) => {
  const service = await testService(t)
  const { sql, app } = service
  await addUsualTraffic(sql)
  await addFlood(sql, ['bot'])
  // Somebody who is busier than others, on the day before.
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select ${new Date(STARTED)}::timestamptz - interval '1 day' + i * interval '1 second', 'GET', '/orders/1', 200, 20, 'busy'
    from generate_series(0, 299) i`
  await store(sql, [aFlood()])
  await app.incidents.investigate('1')
  const { change, clients, recommendation } = (await incident(service)) as unknown as Static<
    typeof IncidentDetail
  >
  t.match(change, { kind: 'new_client', at: new Date(STARTED).toISOString() })
  t.match(change!.detail, /^A new client, bot, sent 6,000 requests, 100 % .* it sent 0 in the week before\.$/)
  t.match(clients[0], { client: 'bot', requests: 6000 })
  const { backtest, caused } = recommendation!
  const limit = recommendation!.recommended_limit!
  t.match(recommendation, {
    ...{ endpoint: '/orders/{id}', tier: 'default', scope: 'client', current_limit: null },
    ...{ caused_by: ['bot'], runaway_clients: 1, runaway_names: ['bot'], unit: 'requests' },
    recommended_burst: limit,
  })
  t.ok(limit < 300 && limit > 10, `${limit} requests a minute`)
  t.equal(caused.requests, 6000)
  t.equal(
    caused.rejected,
    6000 - (limit + Math.floor((599.9 * limit) / 60)),
    'a full bucket, and what runs in',
  )
  t.match(backtest, { clients: 201, from: '2026-02-23T12:04:00.000Z', to: '2026-03-02T12:04:00.000Z' })
  const touched = backtest!.clients_affected!
  const stopped = Math.floor((100 * caused.rejected) / 6000)
  t.equal(recommendation!.summary, `stops ${stopped} % of this, touches ${touched} of 201 clients`)
  t.ok(stopped >= 85 && touched <= 1, recommendation!.summary)
})

t.test('a rise by many clients, and an incident of another kind, get no limit', async (t) => {
  const service = await testService(t)
  const { sql, app } = service
  await addUsualTraffic(sql)
  const many = Array.from({ length: 100 }, (_, i) => `u${i}`)
  await addFlood(sql, many, { perSecond: 1 })
  const types = ['traffic_spike', 'latency_spike'] as const
  await store(
    sql,
    types.map((type, i) => ({ ...aFlood(), number: i + 1, type })),
  )
  await app.incidents.investigate('1')
  t.match(await incident(service), { recommendation: null, change: null, impact: { clients: 100 } })
  await addFlood(sql, ['bot'], { perSecond: 200 })
  await app.incidents.investigate('2')
  t.match(await incident(service, '2'), { recommendation: null, change: { kind: 'new_client' } })
})

t.test('an incident that has ended says what the limits in force would have done', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await addUsualTraffic(sql)
  await addFlood(sql, ['bot'])
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, burst_limit)
    values ('/orders/:id', 60, 100), ('/carts', 1, 1)`
  await store(sql, [aFlood(), anIncident({ number: 2, startedMs: ENDED, endedMs: null })])
  const first = await eventually(async () => {
    const shown = await incident(service) // null where the machine is slow
    return shown['limits'] !== null && shown
  })
  t.match(first['limits'], {
    limits: [{ endpoint: '/orders/:id', tier: 'default', limit: 60, burst: 100, scope: 'client' }],
    ...{ requests: 6020, rejected: 6000 - 100 - 599, clients: 21, clients_affected: 1, is_complete: true },
  })
  await sql`delete from rate_limit_rules`
  t.same((await incident(service))['limits'], first['limits'], 'it is replayed once')
  t.match(await incident(service, '2'), { limits: null, applied: null })
  await store(sql, [anIncident({ number: 2, startedMs: ENDED, endedMs: ENDED + 60_000 })])
  t.match((await incident(service, '2'))['limits'], { limits: [], rejected: 0, clients_affected: 0 })
  await sql`drop table request_logs`
  await store(sql, [anIncident({ number: 3, endedMs: ENDED })])
  t.match(await incident(service, '3'), { limits: null }, 'without the log, it is not known')
})

t.test('a limit that rejects the requests is named with its time', async (t) => {
  const service = await testService(t, { TIME_ZONE: 'Europe/Berlin' })
  const { sql, app } = service
  await addUsualTraffic(sql)
  await addFlood(sql, ['u1', 'u2', 'u3'], { perSecond: 1, status: 429 })
  await store(sql, [anIncident({ type: 'error_rate_spike', endedMs: ENDED })])
  await app.incidents.investigate('1')
  const unknown = (await incident(service))['change'] as { detail: string }
  t.match(unknown, { kind: 'limit', at: '2026-03-02T12:04:00.000Z' })
  t.match(unknown.detail, /^A limit rejects requests since 13:04: 429 answered 1,800 of the 1,800 requests/)
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, created_at, updated_at)
    values ('/orders/{id}', 30, '2026-03-02T12:02:30Z', '2026-03-02T12:02:30Z'),
      ('/carts', 30, '2026-03-02T12:03:30Z', '2026-03-02T12:03:30Z')`
  await app.incidents.investigate('1')
  const rule = (await incident(service))['change'] as { detail: string }
  t.match(rule, { kind: 'limit', at: '2026-03-02T12:02:30.000Z' })
  t.match(
    rule.detail,
    /^Started by the limit of 13:02: 30 requests a minute for \/orders\/\{id\} \(a rule of the gateway\)\. 429/,
  )
  await sql`insert into rate_limit_recommendations (endpoint_pattern, tier, recommended_limit, status, applied_at, applied_by)
    values ('/orders/{id}', 'default', 30, 'applied', '2026-03-02T12:02:29Z', 'ada')`
  await app.incidents.investigate('1')
  t.match((await incident(service))['change'], {
    detail: /13:02: .* \(a recommendation of AEGIS ML, applied by ada\)/,
  })
  await store(sql, [anIncident({ number: 2, type: 'error_rate_spike', endedMs: ENDED })])
  await sql`insert into aegis_ml_temporary_limits (incident_id, endpoint, tier, requests_per_minute, burst, applied_at,
      expires_at, after)
    values (2, '/orders/{id}', 'default', 20, 20, '2026-03-02T12:03:30Z', '2026-03-02T13:03:30Z', '{}')`
  await app.incidents.investigate('1')
  t.match((await incident(service))['change'], {
    detail: /13:03: .* \(a temporary limit against an incident\)/,
  })
  await app.incidents.investigate('2')
  t.match((await incident(service, '2'))['change'], { detail: /13:02: / }, 'its own limit did not start it')
})

t.test('a rule that came back after a temporary limit is no new limit', async (t) => {
  const service = await testService(t)
  const { sql, app } = service
  await addUsualTraffic(sql)
  await store(sql, [anIncident({ type: 'traffic_drop', endedMs: ENDED }), anIncident({ number: 2 })])
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, created_at, updated_at)
    values ('/orders/{id}', 300, '2026-01-01', '2026-03-02T12:02:30Z')`
  await sql`insert into aegis_ml_temporary_limits (incident_id, endpoint, tier, requests_per_minute, burst, applied_at,
      expires_at, ended_at, outcome, before, after)
    values (2, '/orders/{id}', 'default', 20, 20, '2026-03-02T10:00Z', '2026-03-02T12:02:30Z', '2026-03-02T12:02:30Z',
      'restored', '{"requests_per_minute": 300}', '{}')`
  await app.incidents.investigate('1')
  t.match(await incident(service), { change: null })
  await sql`update rate_limit_rules set requests_per_minute = 200`
  await app.incidents.investigate('1')
  t.match(await incident(service), { change: { kind: 'limit', detail: /200 requests a minute/ } })
})

t.test('of more incidents than can be replayed soon, the limits have to be asked for again', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await addUsualTraffic(sql)
  const numbers = [1, 2, 3, 4, 5]
  await store(
    sql,
    numbers.map((number) => ({ ...aFlood(), number })),
  )
  const known = async () => {
    const rows = await sql<{ id: string }[]>`select id::text from aegis_ml_incidents where limits is not null`
    return rows.map(({ id }) => id)
  }
  const other = await sql.reserve()
  try {
    await other`begin`
    await other`lock table request_logs in access exclusive mode` // no replay ends
    const all = await Promise.all(numbers.map((number) => incident(service, String(number))))
    t.ok(all.every(({ limits }) => limits === null))
  } finally {
    await other`rollback`
    other.release()
  }
  const stored = await eventually(async () => {
    const ids = await known()
    return ids.length === 4 && ids
  })
  const missing = numbers.map(String).filter((id) => !stored.includes(id))
  t.equal(missing.length, 1)
  t.match((await incident(service, missing[0]))['limits'], { rejected: 0 })
})

t.test('an incident is shown with its limits though they cannot be stored', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await addUsualTraffic(sql)
  await store(sql, [aFlood()])
  await sql`create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'no' using errcode = '25006'; end $$`
  await sql`create trigger refuse before update on aegis_ml_incidents execute function refuse()`
  t.match((await incident(service))['limits'], { rejected: 0, is_complete: true })
})

t.test('a deployment before an incident is named, also of a source', async (t) => {
  const service = await testService(t)
  const { sql, app } = service
  await addUsualTraffic(sql)
  await addFlood(sql, ['bot'])
  await store(sql, [
    aFlood(),
    anIncident({ number: 2, series: { kind: 'source', name: 'edge' }, endpoints: [] }),
  ])
  await sql`insert into aegis_ml_deployments (source, endpoint, version, at)
    values (null, '/orders/{id}', '1.4.2', '2026-03-02T12:00:00Z'), ('edge', null, '7', '2026-03-02T12:01:00Z')`
  for (const id of ['1', '2']) await app.incidents.investigate(id)
  const at = '2026-03-02T12:00:00.000Z'
  t.match(await incident(service), {
    change: { kind: 'deployment', at },
    recommendation: { caused_by: ['bot'] },
  })
  t.match(await incident(service, '2'), { change: { kind: 'deployment', detail: /Version 7 of edge/ } })
})
