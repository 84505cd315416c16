import type { Sql } from 'postgres'
import t from 'tap'
import { storeIncidentDetails } from '../../../db/own/incident-writes.js'
import type { IncidentRecommendation } from '../../../models/incidents/incident-limit.js'
import { eventually } from '../../eventually.js'
import { testService } from '../../service.js'
import { get, post } from '../../e2e/process.js'
import { startReplica } from '../../e2e/replica.js'
import { anIncident, STARTED, store } from './an-incident.js'

const RECOMMENDED: IncidentRecommendation = {
  ...{ endpoint: '/orders/{id}', tier: 'default', scope: 'client', currentLimit: null, limit: 60, burst: 60 },
  ...{ causedBy: ['bot'], caused: { requests: 6000, rejected: 5700 }, confidence: 0.9, warnings: [] },
  backtest: {
    ...{ from: '2026-02-23T12:04:00.000Z', to: '2026-03-02T12:04:00.000Z' },
    ...{ requests: 20_000, rejected: 0, clients: 200, clientsAffected: 0 },
  },
  ...{ summary: 'stops 95 % of this, touches 0 of 200 clients', reasoning: '' },
}

/** Incidents 1, 2, … with a recommendation each. */
async function withRecommendations(sql: Sql, ...changes: Partial<IncidentRecommendation>[]): Promise<void> {
  const endedMs = STARTED + 60_000
  await store(
    sql,
    changes.map((_, i) => anIncident({ number: i + 1, type: 'traffic_spike', endedMs })),
  )
  for (const [i, change] of changes.entries())
    await storeIncidentDetails(sql, String(i + 1), { recommendation: { ...RECOMMENDED, ...change } })
}

const rules = async (sql: Sql) => [
  ...(await sql`select endpoint_pattern as pattern, requests_per_minute as "limit", tier, burst_size as burst, enabled,
    description from rate_limit_rules order by 1, tier`),
]

/** As if its time were over. */
const expire = (sql: Sql) =>
  sql`update aegis_ml_temporary_limits set expires_at = now() - interval '1 second'`

const ours = { pattern: '/orders/{id}', limit: 60, tier: 'default', burst: 60, enabled: true }
const theirs = { pattern: '/orders/{id}', limit: 300, tier: 'Default', burst: 40, enabled: true }

t.test('an applied limit ends with its time, and the rule that was there is as it was', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await withRecommendations(sql, {}, { endpoint: '/carts' })
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier, burst_size, description)
    values ('/orders/{id}', 300, 'Default', 40, 'by hand')`
  const applied = await service.post('/incidents/1/apply', { by: 'ada', minutes: 5 })
  t.match(applied, {
    status: 200,
    body: {
      data: {
        ...{ incident_id: '1', endpoint: '/orders/{id}', tier: 'default', limit: 60, burst: 60 },
        ...{ applied_by: 'ada', ended_at: null, outcome: null, instead_of: 300 },
      },
    },
  })
  const { applied_at: at, expires_at: until } = applied.body.data as Record<string, string>
  t.equal(Date.parse(until!) - Date.parse(at!), 300_000)
  t.match(await rules(sql), [
    { ...ours, description: `for each client; temporary until ${until} (AEGIS ML, incident 1)` },
  ])

  const again = await service.post('/incidents/1/apply', { by: 'bob' })
  t.match(again.body.data, { applied_by: 'ada', expires_at: until })
  t.match(again.body.warnings, [/in force already/])
  await service.post('/incidents/2/apply')

  await expire(sql)
  const detail = await eventually(async () => {
    const { data } = (await service.get('/incidents/1')).body
    return (data['applied'] as { ended_at: string | null }).ended_at !== null && data
  })
  t.match(detail, { applied: { ended_by: null, outcome: 'restored' } })
  const entry = await eventually(async () => {
    const { entries } = (await service.get('/audit?actor=service')).body.data as {
      entries: { target: object }[]
    }
    return entries.find(({ target }) => (target as { id: string }).id === '1')
  })
  t.match(entry, {
    operation: 'endIncidentLimit',
    caller: null,
    input: { outcome: 'restored' },
    outcome: 'done',
  })
  t.match((detail['timeline'] as object[]).slice(-2), [
    {
      kind: 'limit_applied',
      by: 'ada',
      note: /^60 requests a minute for each client/,
      detail: { limit: 60 },
    },
    { kind: 'limit_ended', by: null, note: /^Its time was over\. The rule that was there/ },
  ])
  await eventually(async () => (await rules(sql)).length === 1)
  t.same(await rules(sql), [{ ...theirs, description: 'by hand' }])
})

t.test('who ends a limit early, and what others did to the rule meanwhile', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await withRecommendations(sql, {}, {})
  await service.post('/incidents/1/apply')
  t.match(await service.post('/incidents/2/apply'), {
    status: 409,
    body: { code: 'LIMIT_NOT_APPLICABLE', message: /DELETE \/incidents\/1\/apply/ },
  })
  const ended = await service.delete('/incidents/1/apply?by=ada')
  t.match(ended, { status: 200, body: { data: { ended_by: 'ada', outcome: 'removed' } } })
  t.same((await service.delete('/incidents/1/apply?by=bob')).body.data, ended.body.data, 'once')
  t.same(await rules(sql), [])

  await service.post('/incidents/1/apply')
  await sql`update rate_limit_rules set requests_per_minute = 80`
  t.match((await service.delete('/incidents/1/apply')).body.data, { outcome: 'left' })
  t.match(await rules(sql), [{ ...ours, limit: 80 }])
})

t.test('a table with one rule for each pattern gets back the rule of another tier', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await withRecommendations(sql, {})
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier) values ('/orders/{id}', 500, 'gold')`
  await service.post('/incidents/1/apply')
  t.match(await rules(sql), [ours])
  t.match((await service.delete('/incidents/1/apply')).body.data, { outcome: 'restored' })
  t.match(await rules(sql), [{ limit: 500, tier: 'gold', description: null }])
  const keys = await sql`select from pg_indexes where indexname = 'aegis_ml_one_rule_per_pattern'`
  t.equal(keys.length, 1, 'the key of other scripts stays')

  await sql`drop table rate_limit_rules`
  await sql`create table rate_limit_rules (endpoint_pattern text, requests_per_minute numeric)`
  await service.post('/incidents/1/apply')
  t.same(
    [...(await sql`select * from rate_limit_rules`)],
    [{ endpoint_pattern: '/orders/{id}', requests_per_minute: '60' }],
  )
  await service.delete('/incidents/1/apply')
  t.equal((await sql`select from rate_limit_rules`).length, 0)
  await sql`drop table rate_limit_rules`
  t.match(await service.post('/incidents/1/apply'), { status: 409, body: { code: 'GATEWAY_TABLE_UNUSABLE' } })
})

t.test('ten replicas that apply a limit at once apply it once', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await withRecommendations(sql, {}, {})
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) => service.post(`/incidents/${1 + (i % 2)}/apply`, { by: `p${i}` })),
  )
  const statuses = answers.map(({ status }) => status)
  t.same(statuses.toSorted(), [...Array<number>(5).fill(200), ...Array<number>(5).fill(409)])
  t.equal((await rules(sql)).length, 1)
  t.equal((await sql`select from aegis_ml_incident_entries where kind = 'limit_applied'`).length, 1)
  await expire(sql)
  const ends = await Promise.all([1, 2, 3].map(() => service.delete('/incidents/1/apply')))
  t.ok(ends.every(({ status, body }) => status < 300 || body.code === 'LIMIT_NOT_APPLICABLE'))
  await eventually(async () => (await rules(sql)).length === 0)
  t.equal((await sql`select from aegis_ml_incident_entries where kind = 'limit_ended'`).length, 1)
})

t.test('what cannot be applied is refused with the reason', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await withRecommendations(sql, {}, { endpoint: '/carts' }, { endpoint: '/users' })
  await store(sql, [anIncident({ number: 4 })])
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute) values ('/carts', 60), ('/users', 1)`
  await sql`update rate_limit_rules set enabled = false where endpoint_pattern = '/users'`
  await service.post('/incidents/1/false-positive')
  for (const [url, message] of [
    ['/incidents/1/apply', /false positive/],
    ['/incidents/2/apply', /The limit in force, 60 requests a minute, is as strict/],
    ['/incidents/4/apply', /has no recommendation/],
  ] as const)
    t.match(await service.post(url), { status: 409, body: { code: 'LIMIT_NOT_APPLICABLE', message } }, url)
  t.match(await service.delete('/incidents/4/apply'), { status: 409, body: { code: 'LIMIT_NOT_APPLICABLE' } })
  t.match(await service.post('/incidents/99/apply'), { status: 404, body: { code: 'INCIDENT_NOT_FOUND' } })
  t.match(await service.delete('/incidents/99/apply'), { status: 404 })
  for (const body of [
    { minutes: 0 },
    { minutes: 1441 },
    { minutes: 1.5 },
    { minutes: '60' },
    { minutes: 1e300 },
    { by: '' },
    { by: 'x'.repeat(256) },
    { by: 'a\0b' },
    { by: ['ada'] },
  ]) {
    const field = Object.keys(body)[0]!
    const refused = await service.post('/incidents/3/apply', body)
    t.match(refused, { status: 400, body: { details: [{ field }] } }, JSON.stringify(body).slice(0, 40))
  }
  t.match(await service.post('/incidents/x%27/apply'), { status: 400 })
  t.match(await service.delete(`/incidents/3/apply?by=${'x'.repeat(256)}`), { status: 400 })
  t.match(await service.post('/incidents/3/apply', { minutes: 1440, by: "Robert'); --" }), { status: 200 })
  await service.delete('/incidents/3/apply')
  t.match((await rules(sql)).at(-1), { pattern: '/users', limit: 1, enabled: false })
})

t.test('a rule that another session holds delays nobody who writes incidents', async (t) => {
  const service = await testService(t)
  const { sql } = service
  await withRecommendations(sql, {})
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute) values ('/orders/{id}', 300)`
  const other = await sql.reserve()
  try {
    await other`begin`
    await other`select from rate_limit_rules for update`
    t.match(await service.post('/incidents/1/apply'), { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
    t.match(await service.post('/incidents/1/comment', { note: 'held' }), { status: 200 })
  } finally {
    await other`rollback`
    other.release()
  }
  t.match(await service.post('/incidents/1/apply'), { status: 200 })
})

t.test('a limit ends in time though the replica that applied it was killed', async (t) => {
  const service = await testService(t)
  const { sql, connection } = service
  await withRecommendations(sql, {})
  const replica = await startReplica(t, connection)
  t.equal((await post(`${replica.service.url}/incidents/1/apply`, { by: 'ada' })).status, 200)
  await replica.service.end('SIGKILL')
  t.equal((await rules(sql)).length, 1)
  await expire(sql)
  await eventually(async () => (await rules(sql)).length === 0)
  await replica.start()
  const { data } = (await get(`${replica.service.url}/incidents/1`)).body
  t.match(data['applied'], { outcome: 'removed', ended_by: null })
})
