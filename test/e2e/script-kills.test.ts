import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import t from 'tap'
import { createRandom } from '../../models/statistics/random.js'
import { testDatabase } from '../postgres.js'
import { databaseFlags, runScript, startScript } from '../scripts/cli/process.js'
import { eventually } from '../eventually.js'
import { post } from './process.js'
import { startReplica } from './replica.js'

const ROUNDS = Math.ceil(Number(process.env['TEST_KILLS'] ?? 6) / 2)
const SEED = Number(process.env['TEST_SEED'] ?? 1)
const GENERATE = 'generate-synthetic-data'

interface Insertion {
  rows: number
  ranges: number
}

/** What each transaction has put into the traffic table, and how many ranges it has recorded. */
async function insertions(sql: Sql): Promise<Insertion[]> {
  return sql<Insertion[]>`
    select rows.count::int as rows, coalesce(ranges.count, 0)::int as ranges
    from (select xmin::text, count(*) from request_logs group by 1) rows
    full join (select xmin::text, count(*) from aegis_ml_touched_ranges group by 1) ranges using (xmin)`
}

async function isQuiet(sql: Sql): Promise<boolean> {
  const busy = await sql`select from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`
  return busy.length === 0
}

t.test('kill -9 of a script that inserts traffic leaves all of its rows or none', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const random = createRandom(SEED)
  const flags = ['--insert-db', '--days', '1', '--base-rps', '1', ...databaseFlags(connection)]
  const since = performance.now()
  t.match(await runScript(GENERATE, flags), { code: 0 })
  const durationMs = performance.now() - since
  const [whole] = await insertions(sql)
  t.match(whole, { rows: Number, ranges: 1 })
  let [done, killed] = [1, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const { child, ended } = startScript(GENERATE, flags)
    await delay(random.uniform() * 1.2 * durationMs)
    child.kill('SIGKILL')
    const { code } = await ended
    if (code === 0) done++
    else killed++
    await eventually(() => isQuiet(sql))
    const found = await insertions(sql)
    // The same day of traffic, but for the minutes that have passed.
    const parts = found.filter(({ rows, ranges }) => Math.abs(rows / whole!.rows - 1) > 0.02 || ranges !== 1)
    t.same(parts, [], 'no part of it')
    t.ok(found.length >= done && found.length <= done + killed, 'what was told to be there is')
  }
  t.comment(`${killed} killed, ${done} done, ${(await insertions(sql)).length} insertions there`)
  const { service } = await startReplica(t, connection)
  const { body } = await post(`${service.url}/train`, { days: 2 })
  const [minutes] = await sql<[{ count: number }]>`
    select count(distinct date_trunc('minute', timestamp))::int as count from request_logs`
  t.match(body.data, { anomaly_detector: { samples: minutes.count } }, 'training finds each minute')
})
