import { rm } from 'node:fs/promises'
import type { Sql } from 'postgres'
import { migrate } from '../db/migrate.js'
import { startEmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import { minuteFigures, updateRollups } from '../db/traffic/rollups.js'
import { connectTo, openDirectory, silentLog } from '../test/postgres-server.js'
import type { Benchmark } from './benchmark.js'
import { MINUTE_MS } from '../models/traffic/durations.js'

const table = 'request_logs'
const ROWS = 5_000_000
const DAYS = 7
const ROWS_A_MINUTE = ROWS / DAYS / 1440
const END = Date.parse('2026-03-08T00:00:00Z')
const START = END - DAYS * 1440 * MINUTE_MS

/**
 * Rollups of a week of traffic (20 endpoints, half of them with ids in their paths; 2,000 users). Measures the first
 * rollup, the rollup of another minute, and the reads of training, each against counting the raw rows.
 */
export const rollups: Benchmark = {
  name: 'rollups',
  async prepare() {
    const dataPath = await openDirectory()
    const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
    const sql = connectTo(server.connection)
    await migrate(sql)
    await insertTraffic(sql, START, ROWS)
    await sql`vacuum analyze request_logs`
    const reference = {
      name: 'count(*)',
      measure: () => timed(() => sql`select count(*) from request_logs`),
    }
    let minute = END
    const compared = (name: string, target: number, repetitions: number, measure: () => Promise<number>) => {
      return { rows: ROWS, target, repetitions, reference, candidate: { name, measure } }
    }
    return {
      comparisons: [
        compared('first rollup', 1 / 100, 3, async () => {
          await truncate(sql)
          return timed(() => update(sql, END))
        }),
        compared('a further minute', 5, 25, async () => {
          await insertTraffic(sql, minute, Math.round(ROWS_A_MINUTE))
          minute += MINUTE_MS
          return timed(() => update(sql, minute))
        }),
        compared('minutes of 7 days', 5, 25, () => {
          const range = { from: new Date(minute - DAYS * 1440 * MINUTE_MS), to: new Date(minute) }
          return timed(() => minuteFigures(sql, table, range, new AbortController().signal))
        }),
      ],
      async finish() {
        await sql.end()
        await server.stop()
        await rm(dataPath, { recursive: true, force: true })
      },
    }
  },
}

async function timed(work: () => PromiseLike<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function update(sql: Sql, now: number): Promise<void> {
  const signal = new AbortController().signal
  return updateRollups(sql, {
    ...{ table, now: new Date(now), retentionDays: 90, lookBackMinutes: 60, signal, log: silentLog },
  })
}

async function truncate(sql: Sql): Promise<void> {
  await sql`
    truncate aegis_ml_rollup_state, aegis_ml_rollup_minutes, aegis_ml_rollup_endpoints,
      aegis_ml_rollup_endpoint_minutes`
}

/** Evenly spaced rows, as wide as those of a gateway. */
async function insertTraffic(sql: Sql, start: number, count: number): Promise<void> {
  await sql`
    insert into request_logs ("timestamp", method, path, status_code, response_time_ms, user_id, ip_address,
      user_agent, backend_name, request_id)
    select ${new Date(start)}::timestamptz + i * ${60 / ROWS_A_MINUTE}::float8 * interval '1 second',
      (array['GET', 'POST', 'PUT', 'DELETE'])[1 + endpoint % 4],
      '/api/v1/resource' || endpoint || case when endpoint % 2 = 0 then '/' || (random() * 5000)::int else '' end,
      (array[200, 200, 200, 200, 201, 204, 301, 404, 429, 500])[1 + floor(random() * 10)::int],
      (10 + endpoint * 5 + exp(random() * 5))::int,
      case when client % 10 > 0 then 'user-' || client end, ('10.0.' || client / 256 || '.' || client % 256)::inet,
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'backend-' || endpoint % 3, gen_random_uuid()
    from (
      select i, floor(random() ^ 2 * 20)::int as endpoint, floor(random() ^ 1.5 * 2000)::int as client
      from generate_series(0, ${count}::int - 1) i
    ) requests`
}
