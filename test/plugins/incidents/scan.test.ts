import t from 'tap'
import { eventsOf } from '../../e2e/event-stream.js'
import { eventually } from '../../eventually.js'
import { testService } from '../../service.js'

const MINUTE = 60_000
const DAY = 86_400_000

interface Incident {
  type: string
  state: string
  severity: string
  started_at: string
  ended_at: string | null
  endpoints: { endpoint: string; share: number }[]
  clients: { client: string; requests: number; share: number }[]
  impact: { requests: number; failed: number; slow: number; clients: number | null }
}

/** Three days up to the last whole hour. */
const END = Math.floor(Date.now() / 3_600_000) * 3_600_000
const START = END - 3 * DAY
const FAILING = START + 2 * DAY + 300 * MINUTE
const SILENT = START + 2 * DAY + 600 * MINUTE
const at = (ms: number) => new Date(ms).toISOString()

const service = await testService(t)
const { sql, post, get } = service

t.test('a scan without a model or without traffic says what to do', async (t) => {
  t.match(await post('/incidents/scan', { days: 3 }), { status: 409, body: { code: 'MODEL_NOT_TRAINED' } })
  t.match(await post('/incidents/scan', { days: 0 }), {
    status: 400,
    body: { message: /^days is 0; allowed/ },
  })
  t.match(await post('/incidents/scan', { to: at(END) }), {
    status: 400,
    body: { message: /^from is required/ },
  })
})

t.test('incidents of stored history are found, with their numbers', async (t) => {
  // Every two seconds a request; twenty minutes in which a quarter of them fail, all of one endpoint, and half an hour without any.
  await sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select at, 'GET', case when i % 4 = 0 then '/orders/' || i % 9 else '/carts' end, case when i % 4 = 0
        and at >= ${at(FAILING)} and at < ${at(FAILING + 20 * MINUTE)} or i % 100 = 0 then 500 else 200 end,
      20 + i % 13, 'u' || i % 7
    from generate_series(0, ${(3 * DAY) / 2000 - 1}) i, lateral (select ${at(START)}::timestamptz + i * interval '2 s') times (at)
    where at < ${at(SILENT)} or at >= ${at(SILENT + 30 * MINUTE)}`
  t.match(await post('/train', { from: at(START), to: at(START + 2 * DAY), models: ['anomaly'] }), {
    status: 200,
  })
  const { status, body } = await post('/incidents/scan', { from: at(START), to: at(END) })
  t.equal(status, 200)
  t.match(body.data, { from: at(START), to: at(END), minutes: 3 * 1440 - 30, model_version: String })
  const incidents = body.data['incidents'] as Incident[]
  t.match(incidents, [
    { type: 'traffic_drop', state: 'resolved', source: 'default', id: 'scan-2', clients: [] },
    {
      type: 'error_rate_spike',
      state: 'resolved',
      id: 'scan-1',
      endpoints: [{ endpoint: 'GET /orders/{id}' }],
    },
  ])
  const [silence, failure] = incidents
  t.ok(failure!.endpoints[0]!.share > 0.95)
  t.same(
    silence!.endpoints.map(({ endpoint }) => endpoint),
    ['GET /carts', 'GET /orders/{id}'],
  )
  const within = (text: string | null, ms: number, minutes: number) =>
    t.ok(Math.abs(Date.parse(text!) - ms) <= minutes * MINUTE, `${text} is about ${at(ms)}`)
  within(failure!.started_at, FAILING, 2)
  within(failure!.ended_at, FAILING + 20 * MINUTE, 3)
  within(silence!.started_at, SILENT, 5)
  within(silence!.ended_at, SILENT + 30 * MINUTE, 3)
  const { requests, failed, slow, clients } = failure!.impact
  t.ok(Math.abs(failed - 144) < 40, `${failed} of ${requests} failed more than usual`)
  t.same([slow, clients], [0, 7])
  t.match(failure!.clients[0], { client: /^u[0-6]$/, requests: Number, share: Number })
  t.same((await get('/incidents')).body.data['incidents'], [], 'nothing is stored')
})

t.test('a scan in the background tells how it does, and can be stopped', async (t) => {
  const begun = await post('/incidents/scan', { from: at(START), to: at(END), wait: false })
  t.match(begun, { status: 202, body: { data: { state: 'running' } } })
  const id = begun.body.data['id'] as string
  t.match(
    await post('/incidents/scan', { days: 1 }),
    { status: 503, body: { code: 'BUSY' } },
    'one at a time',
  )
  const stream = await service.app.inject(`/incidents/scan/jobs/${id}/events`)
  const events = eventsOf<{ progress: number; result: { incidents: object[] } | null }>(stream.body)
  t.match(events.at(-1), { name: 'done', data: { progress: 1, result: { incidents: [{}, {}] } } })
  t.match((await get(`/incidents/scan/jobs/${id}`)).body.data, { state: 'done', ended_at: String })
  const again = await post('/incidents/scan', { from: at(START), wait: false })
  const url = `/incidents/scan/jobs/${again.body.data['id'] as string}`
  await service.delete(url)
  const ended = await eventually(async () => {
    const { data } = (await get(url)).body
    return data['state'] !== 'running' && data
  })
  t.match(ended, { state: 'stopped', error: { code: 'SCAN_STOPPED' } })
  t.match(await post('/incidents/scan', { from: '0001-01-01', to: '0001-01-02' }), {
    status: 404, // the day before is of the year 0
    body: { code: 'NO_DATA' },
  })
  t.match(await post('/incidents/scan', { from: '2001-01-01', to: '2001-01-02' }), {
    ...{ status: 404, body: { code: 'NO_DATA' } },
  })
  t.match(await get('/incidents/scan/jobs/7feea531-ae5f-451c-9683-b89d4a9a03ca'), {
    ...{ status: 404, body: { code: 'JOB_NOT_FOUND', message: /POST \/incidents\/scan/ } },
  })
})
