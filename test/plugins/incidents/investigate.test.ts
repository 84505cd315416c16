import t from 'tap'
import { storeIncidentDetails } from '../../../db/own/incident-writes.js'
import { testService } from '../../service.js'
import { anIncident, STARTED, store } from './an-incident.js'

t.test('the clients and the failed requests of an incident are looked up in the log', async (t) => {
  const service = await testService(t)
  const { sql, get } = service
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select ${new Date(STARTED)}::timestamptz + i * interval '1 second', 'GET', case when i % 3 = 0 then '/carts/1' else '/orders/' || i end,
      case when i % 10 = 7 then 503 else 200 end, i, 'u' || i % 2
    from generate_series(0, 599) i`
  await store(sql, [
    anIncident({ endedMs: STARTED + 300_000 }),
    anIncident({ number: 2, endedMs: STARTED + 300_000, endpoints: [] }),
    anIncident({ number: 3, series: { kind: 'source', name: 'edge' }, endpoints: [] }),
  ])
  for (const id of ['1', '2', '3']) await service.app.incidents.investigate(id)
  const { data } = (await get('/incidents/1')).body
  t.match(data, {
    clients: [
      { client: 'u0', requests: 100, share: 0.5 },
      { client: 'u1', requests: 100, share: 0.5 },
    ],
    impact: { requests: 3600, clients: 2 },
    samples: {
      first: [
        {
          at: '2026-03-02T12:04:07.000Z',
          method: 'GET',
          path: '/orders/7',
          status: 503,
          latency_ms: 7,
          client: 'u1',
        },
        { path: '/orders/17' },
        { path: '/orders/37' },
        { path: '/orders/47' },
        { path: '/orders/67' },
      ],
      last: [{}, {}, {}, {}, { path: '/orders/287' }],
    },
  })
  t.match((await get('/incidents/2')).body.data, { samples: { first: [{}, {}, { path: '/carts/1' }] } })
  t.match((await get('/incidents/3')).body.data, { clients: [], samples: null, impact: { clients: null } })
  t.match(data['timeline'], [{ kind: 'opened' }, { kind: 'ended' }], 'that is no entry')
  await t.rejects(service.app.incidents.investigate('99'), { code: 'INCIDENT_NOT_FOUND' })

  await storeIncidentDetails(service.sql, '1', {
    change: { kind: 'deployment', at: '2026-03-02T12:02:00.000Z', detail: 'orders 1.4.2' },
  })
  t.match((await get('/incidents/1')).body.data, {
    change: { kind: 'deployment', at: '2026-03-02T12:02:00.000Z', detail: 'orders 1.4.2' },
    recommendation: null,
    clients: [{}, {}],
  })
  t.equal(await service.app.incidents.lastBookNumber(), 3)

  await sql`drop table request_logs`
  await service.app.incidents.investigate('2')
  t.match((await get('/incidents/2')).body.data, { clients: [{}, {}] }, 'without the log it stays as it is')
})
