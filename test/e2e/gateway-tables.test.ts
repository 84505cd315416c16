import t, { type Test } from 'tap'
import { migrate } from '../../db/migrate.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { runGatewayScripts } from '../compat/gateway-scripts.js'
import { FIRST, SCHEMAS } from '../compat/matrix.js'
import { testDatabase } from '../postgres.js'
import { testService, type Service } from '../service.js'

const MINUTES = 40
const A_MINUTE = 20

/** Requests of the last whole minutes, as a client's recorder sends them: no ids, some without an address. */
function requests() {
  const end = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
  return Array.from({ length: MINUTES * A_MINUTE }, (_, i) => ({
    timestamp: new Date(
      end - (1 + Math.floor(i / A_MINUTE)) * MINUTE_MS + (i % A_MINUTE) * 1000,
    ).toISOString(),
    method: 'GET',
    path: '/auth/login',
    status_code: i % 50 === 0 ? 500 : 200,
    ...(i % 4 !== 0 && { response_time_ms: 20 + (i % 9) }),
    ...(i % 3 !== 0 && { ip_address: `10.0.0.${i % 20}` }),
  }))
}

type Schema = (typeof SCHEMAS)[number]
type First = (typeof FIRST)[number]

/** The service and the tables of a gateway, whoever was first. */
async function installed(t: Test, schema: Schema, first: First): Promise<Service> {
  const database = await testDatabase(t)
  if (first === 'gateway first') await runGatewayScripts(database.sql, schema)
  const service = await testService(t, {}, database)
  if (first === 'service first') await runGatewayScripts(database.sql, schema)
  return service
}

/** A gateway with a metrics migration writes request_metrics alone. */
const gatewayWrites = ({ sql }: Service) => sql`
  insert into request_metrics (timestamp, request_id, path, method, status_code, duration_ms, ip_address, tier)
  select date_trunc('minute', now()) - n * interval '1 second', 'r' || n, '/auth/login', 'GET', 200, 20 + n % 9,
    '10.0.0.' || n % 20, 'auth' from generate_series(1, 1200) n`

for (const schema of SCHEMAS) {
  for (const first of FIRST) {
    t.test(`tables ${schema}, ${first}: from ingest to the limit in force`, async (t) => {
      const service = await installed(t, schema, first)
      const { sql, get, post } = service
      const hasMetrics = schema.endsWith('C')
      const table = hasMetrics ? 'request_metrics' : 'request_logs'
      if (hasMetrics) await gatewayWrites(service)

      const batch = { batch_id: 'b', requests: requests() }
      t.match(await post('/ingest/requests', batch), { status: 202, body: { data: { accepted: 800 } } })
      const [stored] =
        await sql`select count(*)::int as rows, count(distinct request_id)::int as ids from ${sql(table)}`
      const isOurs = first === 'service first'
      t.match(stored, {
        rows: hasMetrics ? 2000 : 800,
        ids: isOurs ? (hasMetrics ? 1200 : 0) : stored!['rows'],
      })

      t.match((await post('/train', { days: 1 })).body.data, {
        anomaly_detector: { trained: true },
        rate_optimizer: { trained: true, endpoints: 1 },
      })
      const models = await sql`select model_name, is_active from ml_models where is_active order by 1`
      t.same(
        [...models],
        [
          { model_name: 'anomaly_detector', is_active: true },
          { model_name: 'rate_optimizer', is_active: true },
        ],
      )

      // The limit that the scripts have put in force, by their own tier, which the service does not know.
      const asked = { endpoint: '/auth/login', tier: 'Auth', save: true }
      const { data, warnings } = (await post('/optimize', asked)).body
      t.match(data, { tier: 'auth', current_limit: 10, profile: { total_requests: stored!['rows'] } })
      t.match(data['profile'], { unique_users: 20 }, 'requests without an address are nobody’s')
      t.match(warnings, [/^The tier "Auth" is not known and counts as default/])
      const applied = await post(`/optimize/recommendations/${data['id'] as string}/apply`)
      t.match(applied, { status: 200, body: { data: { status: 'applied', tier: 'auth' } } })
      t.match((await post('/optimize', asked)).body.data, { current_limit: data['recommended_limit'] })

      // A second tier of the pattern: a rule of its own, unless the table has one rule for each pattern.
      const second = (await post('/optimize', { ...asked, tier: 'premium' })).body.data
      const answer = await post(`/optimize/recommendations/${second['id'] as string}/apply`)
      t.equal(answer.status, 200)
      const tiers = await sql<{ tier: string }[]>`
        select tier from rate_limit_rules where endpoint_pattern = '/auth/login' order by tier`
      const isOneForEach = schema.startsWith('A') && first === 'gateway first'
      t.same(
        tiers.map(({ tier }) => tier),
        isOneForEach ? ['premium'] : ['auth', 'premium'],
      )
      t.match(
        answer.body.warnings,
        isOneForEach ? [/the rule of the tier auth for \/auth\/login was replaced/] : undefined,
      )
      t.match((await post('/optimize', { ...asked, tier: 'premium' })).body.data, {
        current_limit: second['recommended_limit'],
      })

      const exported = await service.app.inject('/export/training-data?days=1&format=csv')
      t.equal(exported.statusCode, 200)
      t.ok(exported.body.trimEnd().split('\n').length > MINUTES)
      t.equal((await get('/optimize/recommendations')).status, 200)
    })
  }
}

t.test('scripts run again, and migrations too, once tables and rows are there', async (t) => {
  for (const schema of SCHEMAS) {
    const { sql } = await testDatabase(t)
    await runGatewayScripts(sql, schema)
    await migrate(sql)
    await runGatewayScripts(sql, schema)
    t.same(await migrate(sql), [], schema)
  }
})
