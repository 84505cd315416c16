import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Sql } from 'postgres'
import { storeIncidentDetails } from '../../../db/own/incident-writes.js'
import type { Connection } from '../../../db/pool.js'
import { post, startService, type ServiceProcess } from '../../e2e/process.js'
import { anIncident, store } from '../../plugins/incidents/an-incident.js'
import type { Scope } from '../../scope.js'
import { untilReady } from '../ready.js'

const PROBE = fileURLToPath(new URL('../stall-probe.js', import.meta.url))
const MINUTE_MS = 60_000
const INCIDENTS = 6
const VERSIONS = 2

export interface Stall {
  /** When it ended, as Date.now() says. */
  readonly at: number
  /** Processor time of the main thread without a turn of its event loop, in ms. */
  readonly busyMs: number
}

export interface Installation {
  readonly service: ServiceProcess
  /** Memory of the process, in bytes. */
  memory(): Promise<number>
  stalls(): Promise<Stall[]>
}

/** A service with traffic, models and incidents, on an empty database, as requests find it in production. */
export async function startInstallation(
  scope: Scope,
  folder: string,
  { sql, connection }: { sql: Sql; connection: Connection },
): Promise<Installation> {
  const file = join(folder, 'stalls')
  const dataPath = join(folder, 'data')
  await mkdir(dataPath)
  const { host, port, database, user, password } = connection
  const service = await startService(scope, {
    ...{ POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_DB: database },
    ...{
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      DATA_PATH: dataPath,
      MODEL_PATH: join(dataPath, 'models'),
    },
    ...{ WATCH: 'on', NODE_OPTIONS: `--import=${PROBE}`, CHAOS_STALLS: file },
  })
  await untilReady(service)
  await fill(sql, service.url)
  return {
    service,
    async memory() {
      const status = await readFile(`/proc/${service.child.pid}/status`, 'utf8')
      return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)![1])
    },
    async stalls() {
      const lines = await readFile(file, 'utf8').catch(() => '')
      return lines
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Stall)
    },
  }
}

/** Three hours of traffic, trained models, and incidents with limits. */
async function fill(sql: Sql, url: string): Promise<void> {
  const end = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
  await sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id, ip_address)
    select ${new Date(end - 180 * MINUTE_MS)}::timestamptz + i * interval '1 second',
      (array['GET', 'POST', 'GET'])[1 + i % 3],
      (array['/api/items/' || i % 50, '/api/orders', '/api/search'])[1 + i % 3],
      case when i % 50 = 0 then 500 else 200 end, 20 + i % 7, 'user ' || i % 20, ('10.0.0.' || i % 30)::inet
    from generate_series(0, ${180 * 60 - 1}) i`
  for (let version = 0; version < VERSIONS; version++) await expectDone(url, '/train', { days: 1 })
  await expectDone(url, '/generate/synthetic', { duration_hours: 6, seed: 1 })
  await store(
    sql,
    Array.from({ length: INCIDENTS }, (_, i) => {
      return anIncident({ number: i + 1, type: 'traffic_spike', endedMs: i % 2 === 0 ? end : null })
    }),
  )
  for (let number = 1; number <= INCIDENTS; number += 2)
    await storeIncidentDetails(sql, String(number), { recommendation: RECOMMENDATION })
}

async function expectDone(url: string, path: string, body: object): Promise<void> {
  const answer = await post(`${url}${path}`, body)
  if (answer.status !== 200) throw new Error(`${path}: ${answer.body.message}`)
}

const RECOMMENDATION = {
  ...{
    endpoint: '/api/orders',
    tier: 'default',
    scope: 'client' as const,
    currentLimit: null,
    limit: 60,
    burst: 60,
  },
  ...{ causedBy: ['bot'], caused: { requests: 6000, rejected: 5700 }, confidence: 0.9, warnings: [] },
  backtest: {
    ...{ from: '2026-02-23T12:04:00.000Z', to: '2026-03-02T12:04:00.000Z' },
    ...{ requests: 20_000, rejected: 0, clients: 200, clientsAffected: 0 },
  },
  ...{ summary: 'stops 95 % of this, touches 0 of 200 clients', reasoning: '' },
}
