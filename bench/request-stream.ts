import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import postgres from 'postgres'
import { migrate } from '../db/migrate.js'
import { RequestNames, streamRequests } from '../db/traffic/request-stream.js'
import { AUTO } from '../formats/access-log/client-rule.js'
import { importLog } from '../scripts/import-access-log/import-log.js'
import { startTestServer } from '../test/postgres-server.js'
import { accessLog } from './access-log.js'
import type { Benchmark } from './benchmark.js'
import { psqlInstalled, timedPsql } from './psql.js'

const rows = 500_000
const table = 'request_logs'
const from = new Date('2026-01-01T00:00:00Z')
const to = new Date('2026-02-01T00:00:00Z')

/** Reads the stored requests in order of time as columns of numbers, against psql's \copy of the same rows to a file. */
export const requestStream: Benchmark = {
  name: 'stream of requests',
  async prepare() {
    if (!psqlInstalled()) return { skipped: 'psql is not installed.' }
    const server = await startTestServer()
    const { connection } = server
    const { host, port, user, password, database } = connection
    const sql = postgres({ host, port, username: user, password, database, onnotice: () => undefined })
    await migrate(sql)
    const { signal } = new AbortController()
    const log = {
      name: 'access.log',
      pieces: Readable.from(accessLog(rows)).map((text: string) => Buffer.from(text)),
      reading: { names: {}, client: AUTO },
      table,
      rejectedPath: join(tmpdir(), 'aegis-ml-bench.rejected'),
      onLines: () => undefined,
    } as const
    await importLog(sql, log, signal)
    await sql`vacuum analyze ${sql(table)}`
    const columns = 'timestamp, status_code, coalesce(user_id, host(ip_address)), method, path'
    const query = `select ${columns} from ${table} order by timestamp`
    const stream = async () => {
      const start = performance.now()
      let count = 0
      const names = new RequestNames({ byMethod: true })
      for await (const batch of streamRequests(sql, table, { from, to, names, signal })) count += batch.length
      if (count !== rows) throw new Error(`${count} rows instead of ${rows}.`)
      return performance.now() - start
    }
    const copy = () => timedPsql(connection, `\\copy (${query}) to '/dev/null'`)
    const reference = { name: 'psql \\copy', measure: copy }
    const candidate = { name: 'streamRequests', measure: stream }
    return {
      comparisons: [{ rows, reference, candidate, target: 0.5, repetitions: 3 }],
      async finish() {
        await sql.end()
        await server.stop()
      },
    }
  },
}
