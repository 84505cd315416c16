import t from 'tap'
import { listEndpoints } from '../../../db/traffic/endpoint-list.js'
import { endpointStates } from '../../../db/traffic/endpoint-states.js'
import { testDatabase } from '../../postgres.js'
import { migrated, START } from './traffic-rows.js'

t.test('an endpoint that has lost its name is what its requests since say, as in the list', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await sql`
    insert into aegis_ml_rollup_endpoints (traffic_table, endpoint, method, path, state, first_seen, last_seen)
    values ('request_logs', 7, 'GET', '/old', 'retired', ${START}, ${START})`
  await sql`
    insert into aegis_ml_rollup_endpoint_minutes
      (traffic_table, minute, endpoint, requests, latencies, status_4xx, status_5xx, errors)
    values ('request_logs', ${START}, 7, 60, 0, 0, 0, 0)`
  const states = async () => {
    const filter = { state: null, prefix: '/old', minRequests: 0, sort: 'name', limit: 9, offset: 0 } as const
    const { endpoints } = await listEndpoints(sql, 'request_logs', { from: START, ...filter })
    return [
      (await endpointStates(sql, 'request_logs')).get('GET /old'),
      ...endpoints.map(({ state }) => state),
    ]
  }
  t.same(await states(), ['other', 'other'])
  await sql`
    insert into aegis_ml_rollup_candidates
      (traffic_table, method, path, weight, requests, successes, not_found, probes, first_seen, last_seen, minutes)
    values ('request_logs', 'GET', '/old', 0, 100, 0, 100, 100, ${START}, ${START}, '{}')`
  t.same(await states(), ['attack', 'attack'])
})
