import t from 'tap'
import { changeByDeployment } from '../../db/own/deployments.js'
import { testService } from '../service.js'

const service = await testService(t, { TIME_ZONE: 'Europe/Berlin', RETENTION_DAYS: '30' })
const { get, post, put } = service
const TO = '2999-01-01T00:00:00.000Z'

t.test('a silence is made, listed, replaced and deleted', async (t) => {
  const made = await post('/silences', {
    ...{ endpoint: 'get /orders/*', type: 'latency_spike', reason: 'load test', created_by: 'ada' },
    ...{
      from: '2026-03-01T00:00:00Z',
      recurring: { days: ['sun', 'mon', 'sun'], start: '22:05', end: '02:00' },
    },
  })
  t.match(made, {
    status: 200,
    body: {
      data: {
        ...{
          endpoint: 'GET /orders/*',
          source: null,
          type: 'latency_spike',
          from: '2026-03-01T00:00:00.000Z',
        },
        ...{ to: null, recurring: { days: ['mon', 'sun'], start: '22:05', end: '02:00' }, created_by: 'ada' },
      },
    },
  })
  const { id } = made.body.data as { id: string }
  t.strictSame((await get(`/silences/${id}`)).body.data, made.body.data)
  t.match(await put(`/silences/${id}`, { source: 'billing', reason: 'moved', to: TO }), {
    body: {
      data: { id, source: 'billing', endpoint: null, type: null, recurring: null, to: TO, in_force: true },
    },
  })
  t.match((await get('/silences')).body.data, { silences: [{ id, reason: 'moved' }] })
  t.match(await service.delete(`/silences/${id}`), { status: 200, body: { data: { id } } })
  for (const again of [
    service.delete(`/silences/${id}`),
    get(`/silences/${id}`),
    put(`/silences/${id}`, { reason: 'x', to: TO }),
  ]) {
    t.match(await again, { status: 404, body: { code: 'SILENCE_NOT_FOUND' } })
  }
})

t.test('a bad silence is refused in words that name the field', async (t) => {
  const hours = { days: ['mon'], start: '22:00', end: '02:00' }
  const cases: [object, RegExp][] = [
    [{ to: TO }, /^reason is required/],
    [{ reason: '', to: TO }, /^reason/],
    [{ reason: 'x' }, /^to is required without recurring/],
    [{ reason: 'x', to: '2000-01-01T00:00Z' }, /^to is .*; allowed is a time after from/],
    [{ reason: 'x', to: 'soon' }, /^to /],
    [{ reason: 'x', to: TO, type: 'strange' }, /^type/],
    [{ reason: 'x', to: TO, endpoint: 'orders' }, /^endpoint/],
    [{ reason: 'x', to: TO, source: 'a\0b' }, /^source/],
    [{ reason: 'x', recurring: { ...hours, start: '24:00' } }, /^recurring/],
    [{ reason: 'x', recurring: { ...hours, days: [] } }, /^recurring/],
    [{ reason: 'x', recurring: { ...hours, days: ['monday'] } }, /^recurring/],
    [{ reason: 'x'.repeat(2001), to: TO }, /^reason/],
  ]
  for (const [body, message] of cases) {
    const answer = await post('/silences', body)
    t.match(
      answer,
      { status: 400, body: { code: 'INVALID_REQUEST', message } },
      JSON.stringify(body).slice(0, 80),
    )
  }
  t.match(await get('/silences/x'), { status: 400, body: { message: /^id is/ } })
})

t.test('silences are bounded in number, however many clients make some at once', async (t) => {
  await service.sql`delete from aegis_ml_silences`
  await service.sql`insert into aegis_ml_silences (from_at, to_at, reason)
    select now(), now() + interval '1 hour', 'many' from generate_series(1, 997)`
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, i) => post('/silences', { reason: `number ${i}`, to: TO })),
  )
  t.equal(made.filter(({ status }) => status === 200).length, 3)
  const refused = await post('/silences', { reason: 'one more', to: TO })
  t.match(refused, { status: 400, body: { message: /^There are 1000 silences/ } })
})

t.test('deployments are reported, and listed page by page', async (t) => {
  const now = Date.now()
  const at = (minutes: number) => new Date(now - minutes * 60_000).toISOString()
  const report = (body: object) => post('/deployments', body)
  const first = await report({ version: '1', at: at(30) })
  t.match(first, { status: 200, body: { data: { version: '1', source: null, endpoint: null, at: at(30) } } })
  t.strictSame((await report({ version: '1', at: at(30) })).body.data, first.body.data, 'the same again')
  await report({ version: '2', at: at(20), endpoint: '/orders/*' })
  await report({ version: '3', at: at(10), source: 'billing' })
  const versions = (data: Record<string, unknown>) =>
    (data['deployments'] as { version: string }[]).map(({ version }) => version)
  const page = (await get('/deployments?limit=2')).body.data
  t.strictSame(versions(page), ['3', '2'])
  t.strictSame(versions((await get(`/deployments?limit=2&next=${String(page['next'])}`)).body.data), ['1'])
  t.strictSame(versions((await get(`/deployments?from=${at(25)}&to=${at(15)}`)).body.data), ['2'])
  t.strictSame(versions((await get('/deployments?source=default')).body.data), ['1'])
  t.strictSame(versions((await get(`/deployments?endpoint=${encodeURIComponent('/orders/*')}`)).body.data), [
    '2',
  ])

  const incident = (startedMs: number) => ({
    ...{ series: { kind: 'gateway', name: '' } as const, startedMs },
    endpoints: [{ endpoint: 'GET /orders/{id}', startedMs }],
  })
  t.strictSame(await changeByDeployment(service.sql, incident(now - 18 * 60_000)), {
    ...{ kind: 'deployment', at: at(20) },
    detail: 'Version 2 of /orders/* was deployed 2 minutes before.',
  })
  t.equal(await changeByDeployment(service.sql, incident(now - 60 * 60_000)), null)
})

t.test('a bad deployment is refused in words that name the field', async (t) => {
  const cases: [object, RegExp][] = [
    [{}, /^version is required/],
    [{ version: '' }, /^version/],
    [{ version: 'a\nb' }, /^version/],
    [{ version: '1', at: '2999-01-01T00:00Z' }, /^at is .*; allowed is a time from .* to now/],
    [{ version: '1', at: '2020-01-01T00:00Z' }, /^at is/],
    [{ version: '1', at: 'now' }, /^at/],
    [{ version: '1', endpoint: '/a', source: 'b' }, /^endpoint cannot be given together with source/],
    [{ version: '1', endpoint: 'orders' }, /^endpoint/],
  ]
  for (const [body, message] of cases) {
    const answer = await post('/deployments', body)
    t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', message } }, JSON.stringify(body))
  }
  t.match(await get('/deployments?next=x'), { status: 400, body: { message: /^next is/ } })
  t.match(await get('/deployments?from=2026-03-03&to=2026-03-02'), {
    status: 400,
    body: { message: /^from is/ },
  })
})
