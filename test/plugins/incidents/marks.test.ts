import { readFile } from 'node:fs/promises'
import t from 'tap'
import { testDatabase } from '../../postgres.js'
import { testService, type Service } from '../../service.js'
import { anIncident, STARTED, store } from './an-incident.js'

interface Event {
  status: string
  severity: string
  detected_at: Date
  acknowledged_by: string | null
  resolved_at: Date | null
  resolution_notes: string | null
}

const eventsOf = async ({ sql }: Service): Promise<Event[]> => [
  ...(await sql<Event[]>`select status, severity, detected_at, acknowledged_by, resolved_at, resolution_notes
    from anomaly_events order by id`),
]

const idOf = async (service: Service, number: number): Promise<string> => {
  const [row] = await service.sql<[{ id: string }]>`
    select id::text from aegis_ml_incidents where book_number = ${number}`
  return row.id
}

const kindsOf = async ({ get }: Service, id: string) =>
  ((await get(`/incidents/${id}`)).body.data['timeline'] as { kind: string }[]).map(({ kind }) => kind)

const service = await testService(t)
const { sql, get, post } = service

t.test('an incident of the book is listed in full, and has a row in anomaly_events', async (t) => {
  const [first] = await store(sql, [anIncident()])
  t.match(first, { kind: 'opened', before: undefined })
  const { status, body } = await get('/incidents')
  t.equal(status, 200)
  t.same(body.data, {
    incidents: [
      {
        id: await idOf(service, 1),
        ...{ state: 'open', source: 'default', type: 'latency_spike', severity: 'medium' },
        ...{ started_at: '2026-03-02T12:04:00.000Z', ended_at: null },
        explanation: 'Mean latency 182 ms (4 times the usual).',
        endpoints: [
          { endpoint: 'GET /orders/{id}', share: 0.9, started_at: '2026-03-02T12:04:00.000Z' },
          { endpoint: 'POST /orders', share: 0.1, started_at: '2026-03-02T12:04:00.000Z' },
        ],
        clients: [],
        impact: { requests: 3600, failed: 13, slow: 2900, clients: null },
        ...{ change: null, recommendation: null },
      },
    ],
    next: null,
  })
  t.match(await eventsOf(service), [{ status: 'active', severity: 'medium', detected_at: new Date(STARTED) }])
})

t.test('the same incident again changes nothing; a change and the end are entered', async (t) => {
  const id = await idOf(service, 1)
  const revision = async () =>
    (await sql`select revision from aegis_ml_incidents where id = ${id}`)[0]!['revision'] as string
  const before = await revision()
  t.match(await store(sql, [anIncident()]), [{ kind: null }])
  t.equal(await revision(), before)
  const worse = { severity: 'high', peak: { severity: 'high', timeMs: STARTED + 60_000 } } as const
  t.match(await store(sql, [anIncident(worse)]), [{ kind: 'changed', before: { severity: 'medium' } }])
  t.match(await eventsOf(service), [{ status: 'active', severity: 'high' }])
  const figures = { ...worse, impact: { ...anIncident().impact, failed: 20 } }
  t.match(await store(sql, [anIncident(figures)]), [{ kind: null }])
  const end = { ...figures, endedMs: STARTED + 600_000 }
  t.match(await store(sql, [anIncident(end)]), [{ kind: 'ended' }])
  t.same(await kindsOf(service, id), ['opened', 'changed', 'ended'])
  const { data } = (await get(`/incidents/${id}`)).body
  t.match(data, { state: 'resolved', ended_at: '2026-03-02T12:14:00.000Z', resolved_at: null })
  t.match(data, { peak: { severity: 'high', at: '2026-03-02T12:05:00.000Z' }, impact: { failed: 20 } })
  t.match(await eventsOf(service), [{ status: 'resolved', resolution_notes: 'Ended by itself.' }])
})

t.test(
  'an incident that has ended by itself can be acknowledged, resolved, and found to be none',
  async (t) => {
    const id = await idOf(service, 1)
    const mark = (name: string, body: object = {}) => post(`/incidents/${id}/${name}`, body)
    t.match(await mark('acknowledge', { by: 'ada', note: 'seen' }), {
      status: 200,
      body: { data: { id, state: 'acknowledged', ended_at: '2026-03-02T12:14:00.000Z' } },
    })
    t.match(await eventsOf(service), [
      { status: 'acknowledged', acknowledged_by: 'ada', resolution_notes: 'seen' },
    ])
    t.equal((await mark('acknowledge', { by: 'ada', note: 'seen' })).status, 200, 'again')
    t.same(await kindsOf(service, id), ['opened', 'changed', 'ended', 'acknowledged'], 'once')
    await mark('acknowledge', { by: 'bob', note: 'me too' })
    t.match(await mark('resolve', { by: 'ada' }), { body: { data: { state: 'resolved' } } })
    const refused = await mark('acknowledge', { by: 'eve' })
    t.match(refused, { status: 409, body: { code: 'INCIDENT_CLOSED' } })
    t.match(
      refused.body.message,
      /^Incident \d+ was resolved at \S+ by ada\. Allowed is false-positive, or a comment\.$/,
    )
    t.match(await mark('false-positive', { by: 'bob' }), { body: { data: { state: 'false_positive' } } })
    t.match(await mark('resolve'), {
      status: 409,
      body: { message: /Allowed is acknowledge, or a comment\.$/ },
    })
    t.equal((await mark('comment', { by: 'ada', note: 'hm' })).status, 200)
    t.equal((await mark('comment', { by: 'ada', note: 'hm' })).status, 200, 'a retry')
    t.same(await kindsOf(service, id), [
      ...['opened', 'changed', 'ended', 'acknowledged', 'comment', 'resolved', 'false_positive', 'comment'],
    ])
    t.match(await eventsOf(service), [{ status: 'false_positive', resolution_notes: 'Marked by bob.' }])
  },
)

t.test('whoever resolves an incident that goes on ends it; the book still writes its figures', async (t) => {
  await store(sql, [anIncident({ number: 2 })])
  const id = await idOf(service, 2)
  t.match((await post(`/incidents/${id}/resolve`, { by: 'ada' })).body.data, {
    state: 'resolved',
    ended_at: String,
  })
  await store(sql, [anIncident({ number: 2, severity: 'critical' })])
  t.match((await get(`/incidents/${id}`)).body.data, { state: 'resolved', severity: 'critical' })
  await store(sql, [anIncident({ number: 2, severity: 'critical', endedMs: STARTED + 900_000 })])
  t.match((await get(`/incidents/${id}`)).body.data, {
    ...{ state: 'resolved', resolved_by: 'ada', ended_at: '2026-03-02T12:19:00.000Z' },
  })
})

t.test('an incident that the book continues is open again, unless a person has closed it', async (t) => {
  await store(sql, [anIncident({ number: 3, endedMs: STARTED + 300_000 })])
  const id = await idOf(service, 3)
  t.match((await get(`/incidents/${id}`)).body.data, { state: 'resolved' })
  t.match(await store(sql, [anIncident({ number: 3 })]), [{ kind: 'reopened' }])
  t.match((await get(`/incidents/${id}`)).body.data, { state: 'open', ended_at: null })
})

t.test('marks that dashboards make in anomaly_events are taken over', async (t) => {
  await store(sql, [anIncident({ number: 4 }), anIncident({ number: 5 }), anIncident({ number: 6 })])
  const ids = await Promise.all([4, 5, 6].map((number) => idOf(service, number)))
  const eventOf = (id: string) => sql`(select event_id::bigint from aegis_ml_incidents where id = ${id})`
  await sql`update anomaly_events set status = 'acknowledged', acknowledged_by = 'dash' where id = ${eventOf(ids[0]!)}`
  await sql`update anomaly_events set status = 'false_positive', resolution_notes = 'a test' where id = ${eventOf(ids[1]!)}`
  await sql`delete from anomaly_events where id = ${eventOf(ids[2]!)}`
  t.match((await get(`/incidents/${ids[0]}`)).body.data, { state: 'acknowledged', acknowledged_by: 'dash' })
  await service.app.incidents.takeOverMarks()
  const { timeline, ...incident } = (await get(`/incidents/${ids[1]}`)).body.data
  t.match(incident, { state: 'false_positive', ended_at: String })
  t.match(timeline, [{ kind: 'opened' }, { kind: 'false_positive', note: 'a test', by: null }])
  t.match((await post(`/incidents/${ids[2]}/resolve`)).body.data, { state: 'resolved' }, 'without its row')
  await sql`update anomaly_events set status = 'active' where id = ${eventOf(ids[0]!)}`
  t.match((await get(`/incidents/${ids[0]}`)).body.data, { state: 'open', acknowledged_by: null })
  const rows =
    await sql`select count(*)::int as n from aegis_ml_incident_entries where incident_id = ${ids[1]!}`
  t.equal(rows[0]!['n'], 2, 'taken over once')
})

t.test('a table of events that takes no row leaves the incident as it is', async (t) => {
  const other = await testService(t)
  await other.sql`alter table anomaly_events add column needed text not null`
  await store(other.sql, [anIncident()])
  t.match((await other.get('/incidents')).body.data, { incidents: [{ state: 'open' }] })
  await other.sql`drop table anomaly_events`
  await store(other.sql, [anIncident({ severity: 'high' }), anIncident({ number: 2 })])
  t.match((await other.get('/incidents')).body.data, { incidents: [{}, { severity: 'high' }] })
  t.equal((await other.post('/incidents/1/acknowledge')).status, 200)
})

t.test('the table of events that a gateway has made takes the incidents and their marks', async (t) => {
  const database = await testDatabase(t)
  await database.sql.unsafe(await readFile('test/compat/scripts/gateway-container.sql', 'utf8'))
  const gateway = await testService(t, {}, database)
  await store(gateway.sql, [anIncident()])
  await gateway.post('/incidents/1/acknowledge', { by: 'ada' })
  t.match(await eventsOf(gateway), [{ status: 'acknowledged', acknowledged_by: 'ada', severity: 'medium' }])
  await gateway.sql`update anomaly_events set status = 'resolved', resolved_at = now(), resolution_notes = 'fixed'`
  t.match((await gateway.get('/incidents')).body.data, { incidents: [{ state: 'resolved' }] })
})

t.test('twenty people who mark at the same time leave one mark and all notes', async (t) => {
  await store(sql, [anIncident({ number: 7 })])
  const id = await idOf(service, 7)
  const people = Array.from({ length: 20 }, (_, i) => `person ${i}`)
  const answers = await Promise.all(
    people.map((by) => post(`/incidents/${id}/acknowledge`, { by, note: `by ${by}` })),
  )
  t.ok(answers.every(({ status }) => status === 200))
  const kinds = await kindsOf(service, id)
  t.equal(kinds.filter((kind) => kind === 'acknowledged').length, 1)
  t.equal(kinds.filter((kind) => kind === 'comment').length, 19)
})

t.test('two programs that contradict each other for ever fill no timeline', async (t) => {
  await store(sql, [anIncident({ number: 8 })])
  const id = await idOf(service, 8)
  await sql`insert into aegis_ml_incident_entries (revision, incident_id, kind, note)
    select nextval('aegis_ml_incident_revisions'), ${id}::bigint, 'comment', 'comment ' || i from generate_series(1, 997) i`
  t.match(await post(`/incidents/${id}/comment`, { note: 'one more' }), { status: 409 })
  t.match(await post(`/incidents/${id}/false-positive`), { status: 200 })
  t.match(await post(`/incidents/${id}/acknowledge`), { status: 200 })
  t.match(await post(`/incidents/${id}/false-positive`), {
    status: 409,
    body: { code: 'INCIDENT_CLOSED', message: /at least 500 entries/ },
  })
  t.match(await post(`/incidents/${id}/acknowledge`), { status: 200 }, 'a mark that it has')
})

t.test('hostile ids, marks and pages are refused in words', async (t) => {
  for (const id of ['x', '-1', '1e3', '0x1', '9'.repeat(19), "1'or'1", '%00', '1 ']) {
    const answer = await get(`/incidents/${encodeURIComponent(id)}`)
    t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', message: /^id is/ } }, id)
  }
  t.match(await get(`/incidents/${'9'.repeat(18)}`), { status: 404, body: { code: 'INCIDENT_NOT_FOUND' } })
  t.match(await post('/incidents/999/acknowledge'), { status: 404, body: { code: 'INCIDENT_NOT_FOUND' } })
  const id = await idOf(service, 7)
  t.match(await post(`/incidents/${id}/comment`), { status: 400, body: { message: /^note is required/ } })
  t.match(await post(`/incidents/${id}/comment`, { note: 'a\0b' }), { status: 400 })
  t.match(await post(`/incidents/${id}/comment`, { note: 'a'.repeat(2001) }), { status: 400 })
  for (const next of ['zzzzzzzzzzz-1', 'x', '1-1-1', "1-1' or", '']) {
    const answer = await get(`/incidents?next=${encodeURIComponent(next)}`)
    t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', message: /^next is/ } }, next)
  }
  t.match(await get('/incidents?limit=501'), { status: 400, body: { message: /from 1 to 500/ } })
  t.match(await get('/incidents?state=open,strange'), {
    status: 400,
    body: { message: /^state\[1\] is "strange"/ },
  })
  t.match(await get('/incidents?from=2026-03-03T00:00Z&to=2026-03-02T00:00Z'), {
    ...{ status: 400, body: { message: /^from is/ } },
  })
})
