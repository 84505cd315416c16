import { randomUUID } from 'node:crypto'
import type { Sql } from 'postgres'
import type { Test } from 'tap'
import type { Answer, Service } from '../service.js'
import type { Step } from './matrix.js'
import { WRITTEN, type GatewayTable } from './traffic.js'

/** A service whose gateway has written its traffic, and somebody who looks into the tables. */
export interface Scene {
  readonly service: Pick<Service, 'app' | 'get' | 'post'>
  readonly sql: Sql
  readonly table: GatewayTable
  /** Where the traffic table is, when that is another database. */
  readonly traffic?: Sql
}

const ENDPOINT = '/api/items/{id}'
const INGESTED = 20

type Work = (t: Test, scene: Scene) => Promise<void>

/** Each step checks what it has done in the tables, not the answer alone. */
export const WORK: Readonly<Record<Step, Work>> = { ingest, train, optimize, apply, export: exportTraffic }

/** Ten minutes ago: in the traffic's range, in a minute that is over. */
async function ingest(t: Test, scene: Scene): Promise<void> {
  const { service, sql, table } = scene
  const timestamp = new Date(Date.now() - 600_000).toISOString()
  const request = { timestamp, method: 'GET', path: '/api/ingested', status_code: 200, response_time_ms: 12 }
  const requests = Array.from({ length: INGESTED }, () => ({ ...request, ip_address: '203.0.113.9' }))
  const batch = { batch_id: randomUUID(), requests }
  const first = await service.post('/ingest/requests', batch)
  t.match(first, { status: 202, body: { data: { accepted: INGESTED } } })
  t.match(await service.post('/ingest/requests', batch), { status: 202, body: { data: { duplicate: true } } })
  const stored = await sql`select from ${sql(table)} where path = '/api/ingested'`
  t.equal(stored.count, INGESTED, `rows in ${table}`)
}

async function train(t: Test, { service }: Scene): Promise<void> {
  const trained = await service.post('/train', { days: 1 })
  t.match(trained, {
    status: 200,
    body: { data: { anomaly_detector: { trained: true }, rate_optimizer: { trained: true } } },
  })
  const { data } = (await service.get('/model/info')).body
  t.match(data, { anomaly_detector: { is_trained: true }, rate_optimizer: { is_trained: true } })
}

export const recommend = ({ service }: Pick<Scene, 'service'>, tier?: string): Promise<Answer> =>
  service.post('/optimize', { endpoint: '/api/items/7', save: true, ...(tier && { tier }) })

async function optimize(t: Test, scene: Scene): Promise<void> {
  const answer = await recommend(scene)
  t.match(answer, {
    status: 200,
    body: { data: { endpoint: ENDPOINT, profile: { total_requests: WRITTEN / 3 } } },
  })
  const [kept] = await scene.sql`
    select endpoint_pattern, status from rate_limit_recommendations order by generated_at desc, id desc limit 1`
  t.match(kept, { endpoint_pattern: ENDPOINT, status: 'pending' })
}

/** Twice, since the second one finds the rule of the first. */
async function apply(t: Test, scene: Scene): Promise<void> {
  for (const currentLimit of [null, Number] as const) {
    const { data } = (await recommend(scene)).body
    t.match(data, { current_limit: currentLimit })
    t.match(await scene.service.post(`/optimize/recommendations/${String(data['id'])}/apply`), {
      status: 200,
      body: { data: { status: 'applied' } },
    })
    const rules = await scene.sql`
      select requests_per_minute, enabled from rate_limit_rules where endpoint_pattern = ${ENDPOINT}`
    t.same(rules, [{ requests_per_minute: data['recommended_limit'], enabled: true }])
  }
}

async function exportTraffic(t: Test, scene: Scene): Promise<void> {
  const { service, table, sql, traffic = sql } = scene
  const { statusCode, body } = await service.app.inject('/export/training-data?days=1&format=csv')
  t.equal(statusCode, 200)
  const [header, ...rows] = body.trimEnd().split(/\r?\n/)
  const column = header!.split(',').indexOf('total_requests')
  const exported = rows.reduce((sum, row) => sum + Number(row.split(',')[column]), 0)
  const [counted] = await traffic<{ n: number }[]>`select count(*)::int as n from ${traffic(table)}`
  t.equal(exported, counted!.n)
  const time = header!.split(',').indexOf('time_bucket')
  const newest = Math.max(...rows.map((row) => Date.parse(row.split(',')[time]!)))
  // Hours off where the time zone of a column is misread.
  t.ok(Math.abs(newest - Date.now()) < 1_800_000, new Date(newest).toJSON())
}
