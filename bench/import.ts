import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { migrate } from '../db/migrate.js'
import { trafficShape } from '../db/traffic/columns.js'
import { NEEDED_LOG_COLUMNS, requestRows } from '../db/traffic/rows/log-row.js'
import { AUTO } from '../formats/access-log/client-rule.js'
import { importLog } from '../scripts/import-access-log/import-log.js'
import { startTestServer } from '../test/postgres-server.js'
import { accessLog } from './access-log.js'
import type { Benchmark } from './benchmark.js'
import { psqlInstalled, timedPsql } from './psql.js'

const rows = 200_000
const table = 'request_logs'
const repetitions = 3

async function timedAsync(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Imports an access log into an empty table, against `wc -l` on the same file and against psql's \copy of the same rows. */
export const importAccessLog: Benchmark = {
  name: 'import-access-log',
  async prepare() {
    if (!psqlInstalled()) return { skipped: 'psql is not installed.' }
    const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-bench-'))
    await chmod(folder, 0o755)
    const server = await startTestServer()
    const { connection } = server
    const { host, port, user, password, database } = connection
    const sql = postgres({ host, port, username: user, password, database, onnotice: () => undefined })
    await migrate(sql)
    const log = join(folder, 'access.log')
    const copied = join(folder, 'rows.tsv')
    await writeFile(log, accessLog(rows))
    const load = () =>
      importLog(
        sql,
        {
          name: 'access.log',
          pieces: createReadStream(log, { highWaterMark: 1 << 18 }),
          reading: { names: {}, client: AUTO },
          table,
          rejectedPath: `${log}.rejected`,
          onLines: () => undefined,
        },
        new AbortController().signal,
      )
    await load()
    const shape = await trafficShape(sql, table, NEEDED_LOG_COLUMNS)
    const columns = requestRows(table, shape).columns.join(', ')
    timedPsql(connection, `\\copy (select ${columns} from ${table}) to '${copied}'`)
    const emptied = async (work: () => number | Promise<number>) => {
      await sql`truncate ${sql(table)}`
      return work()
    }
    const candidate = { name: 'import-access-log', measure: () => emptied(() => timedAsync(load)) }
    const wc = () => timedAsync(async () => spawnSync('wc', ['-l', log]))
    const copy = () => emptied(() => timedPsql(connection, `\\copy ${table} (${columns}) from '${copied}'`))
    return {
      comparisons: [
        { rows, reference: { name: 'psql \\copy', measure: copy }, candidate, target: 0.5, repetitions },
        { rows, reference: { name: 'wc -l', measure: wc }, candidate, repetitions },
      ],
      async finish() {
        await sql.end()
        await server.stop()
        await rm(folder, { recursive: true })
      },
    }
  },
}
