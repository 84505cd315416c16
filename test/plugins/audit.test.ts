import { randomUUID } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import t from 'tap'
import { putAuditEntry, type AuditAction } from '../../db/own/audit.js'
import type { Role } from '../../formats/api-keys.js'
import { entryOf } from '../api-keys.js'
import { eventually } from '../eventually.js'
import { testService } from '../service.js'
import { store, anIncident } from './incidents/an-incident.js'

const entry = (name: string, ...roles: Role[]) => entryOf(name, `key-of-${name}`, roles)

interface Entry {
  readonly id: string
  readonly operation: string
  readonly outcome: string
  readonly caller: string | null
}

const { app, sql } = await testService(t, {
  API_KEYS: [entry('ada', 'operate'), entry('root', 'admin'), entry('gw', 'detect')].join('\n'),
})

async function send(
  name: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  more: InjectOptions = {},
) {
  const { headers, ...rest } = more
  const authorization = `Bearer key-of-${name}`
  const response = await app.inject({ method, url, headers: { authorization, ...headers }, ...rest })
  return {
    status: response.statusCode,
    ...response.json<{ data: Record<string, unknown>; warnings?: string[] }>(),
  }
}

async function audit(query = ''): Promise<Entry[]> {
  const { status, data } = await send('root', 'GET', `/audit${query}`)
  t.equal(status, 200, query)
  return data['entries'] as Entry[]
}

const SILENCE = { reason: 'weekly reports', to: '2099-01-01T00:00:00Z', created_by: 'mallory' }

t.test('a change has an entry with who, what, from where and how it ended', async (t) => {
  await store(sql, [anIncident()])
  const marked = await send('ada', 'POST', '/incidents/1/acknowledge?colour=red', {
    payload: { by: 'mallory', note: 'looking', api_key: 'geheim' },
    headers: { 'x-request-id': 'request-1', 'user-agent': 'a program', 'x-forwarded-for': '203.0.113.7' },
  })
  t.match(marked, { status: 200, warnings: [/api_key/, /colour/, /^Field by was ignored/] })
  t.match(await audit(), [
    {
      ...{ actor: 'key', caller: 'ada', role: 'operate', operation: 'acknowledgeIncident' },
      ...{ target: { id: '1' }, input: { by: 'mallory', note: 'looking', api_key: '[removed]' } },
      ...{ address: '127.0.0.1', forwarded_for: '203.0.113.7', user_agent: 'a program' },
      ...{ request_id: 'request-1', outcome: 'done', status: 200, code: null },
    },
  ])
  const rows = await sql`select * from aegis_ml_audit`
  t.equal(rows.length, 1)
  t.notMatch(JSON.stringify(rows), 'geheim')
})

t.test('the name of the key stands for what the body says', async (t) => {
  const detail = (await send('ada', 'GET', '/incidents/1')).data
  t.match(detail, { acknowledged_by: 'ada' })
  const silence = await send('ada', 'POST', '/silences', { payload: SILENCE })
  t.match(silence, { data: { created_by: 'ada' }, warnings: [/^Field created_by was ignored/] })
  const same = await send('ada', 'POST', '/incidents/1/comment', { payload: { by: 'ada', note: 'found it' } })
  t.equal(same.warnings, undefined)
  const id = silence.data['id'] as string
  const replaced = await send('root', 'PUT', `/silences/${id}`, { payload: { ...SILENCE, created_by: null } })
  t.match(replaced.data, { created_by: 'root' })
  await send('root', 'DELETE', `/silences/${id}`)
})

t.test('what only reads, reports or computes has no entry', async (t) => {
  const before = (await audit('?limit=500')).length
  const metrics = {
    ...{ requests_per_second: 1, avg_latency_ms: 1, p95_latency_ms: 1, p99_latency_ms: 1, error_rate: 0 },
  }
  await send('gw', 'POST', '/detect', { payload: metrics })
  await send('gw', 'POST', '/ingest/requests', { payload: { requests: [] } })
  await send('ada', 'POST', '/optimize', { payload: { endpoint: '/a' } })
  await send('ada', 'POST', '/incidents/1/false-positive/preview')
  await send('ada', 'GET', '/silences')
  t.equal((await audit('?limit=500')).length, before)
  await send('ada', 'POST', '/optimize', { payload: { endpoint: '/a', save: true } })
  t.match(await audit('?limit=1'), [{ operation: 'optimize', input: { endpoint: '/a', save: true } }])
})

t.test('failed changes have an entry; requests of somebody who may not are counted', async (t) => {
  await send('ada', 'POST', '/incidents/999/resolve')
  await send('ada', 'POST', '/silences', { payload: { reason: 5 } })
  const before = (await audit('?limit=500')).length
  t.match(await audit('?outcome=refused'), [
    { operation: 'createSilence', status: 400, code: 'INVALID_REQUEST', input: { reason: 5 } },
    { operation: 'resolveIncident', status: 404, code: 'INCIDENT_NOT_FOUND' },
  ])
  const { refused } = app.audit.counts()
  const forbidden = refused.get('FORBIDDEN') ?? 0
  t.equal((await send('ada', 'POST', '/train')).status, 403)
  t.equal((await send('ada', 'GET', '/audit')).status, 403)
  t.equal((await send('nobody', 'POST', '/train')).status, 401)
  t.equal((await audit('?limit=500')).length, before)
  t.equal(app.audit.counts().refused.get('FORBIDDEN'), forbidden + 2)
  for (const method of ['POST', 'PUT', 'DELETE'] as const)
    t.equal((await send('root', method, '/audit')).status, 405)
})

t.test('entries are found by time, caller, operation and outcome, page by page', async (t) => {
  const all = await audit('?limit=500')
  t.same(
    all.map(({ id }) => Number(id)),
    all.map((_, i) => all.length - i),
    'newest first, without gaps',
  )
  const pages: Entry[] = []
  let next: unknown = null
  do {
    const { data } = await send(
      'root',
      'GET',
      `/audit?limit=3${next === null ? '' : `&next=${String(next)}`}`,
    )
    pages.push(...(data['entries'] as Entry[]))
    next = data['next']
  } while (next !== null)
  t.same(pages, all)
  t.same(
    await audit('?caller=root'),
    all.filter(({ caller }) => caller === 'root'),
  )
  t.same(
    await audit('?operation=createSilence&outcome=done'),
    all.filter(({ operation, outcome }) => operation === 'createSilence' && outcome === 'done'),
  )
  t.same(await audit('?until=2020-01-01T00:00:00Z'), [])
  t.same(await audit('?since=2099-01-01T00:00:00Z'), [])
  t.same(await audit('?actor=service'), [])
  for (const query of ['since=yesterday', 'outcome=good', 'operation=a-b', 'limit=501', 'next=x', 'caller='])
    t.equal((await send('root', 'GET', `/audit?${query}`)).status, 400, query)
  t.equal(
    (await send('root', 'GET', '/audit?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z')).status,
    400,
  )
})

t.test('an entry is there before the change, and knows its end before the answer', async (t) => {
  const blocker = await sql.reserve()
  await blocker`begin`
  await blocker`lock table aegis_ml_silences`
  const answer = send('ada', 'POST', '/silences', { payload: SILENCE })
  const last = async () => (await sql<Entry[]>`select * from aegis_ml_audit order by id desc limit 1`)[0]!
  const pending = await eventually(async () => {
    const entry = await last()
    return entry.outcome === 'pending' && entry
  })
  t.match(pending, { operation: 'createSilence', caller: 'ada', status: null })
  await blocker`rollback`
  blocker.release()
  t.equal((await answer).status, 200)
  t.match(await last(), { id: pending.id, outcome: 'done', status: 200 })
})

t.test('a change whose entry cannot be stored is done all the same', async (t) => {
  const { unstored } = app.audit.counts()
  await sql`alter table aegis_ml_audit rename to aegis_ml_audit_away`
  t.equal((await send('ada', 'POST', '/silences', { payload: SILENCE })).status, 200)
  await sql`alter table aegis_ml_audit_away rename to aegis_ml_audit`
  t.equal(app.audit.counts().unstored, unstored + 1)
})

t.test('a result stays, also when the database is slow with the entry of its beginning', async (t) => {
  const nobody = { caller: null, role: null, address: null, forwardedFor: null, userAgent: null }
  const what = { actor: 'service', operation: 'train', target: null, input: null, requestId: null } as const
  const action: AuditAction = { key: randomUUID(), at: new Date(), ...what, ...nobody }
  let commit = (): void => undefined
  let hasBegun = false
  const beginning = sql.begin(async (tx) => {
    await putAuditEntry(tx, action, { outcome: 'pending', status: null, code: null })
    hasBegun = true
    await new Promise<void>((resolve) => (commit = resolve))
  })
  await eventually(() => hasBegun)
  const end = putAuditEntry(sql, action, { outcome: 'failed', status: 500, code: 'INTERNAL_ERROR' })
  const waiting = () => sql`select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and query like '%aegis_ml_audit%'`
  await eventually(async () => (await waiting()).length === 1)
  commit()
  await Promise.all([beginning, end])
  const outcome = () => sql`select outcome, status::int from aegis_ml_audit where key = ${action.key}`
  t.same([...(await outcome())], [{ outcome: 'failed', status: 500 }])
  await putAuditEntry(sql, action, { outcome: 'pending', status: null, code: null })
  t.same([...(await outcome())], [{ outcome: 'failed', status: 500 }], 'whichever comes last')
})
