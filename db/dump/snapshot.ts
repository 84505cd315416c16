import type { Sql } from 'postgres'
import { openOwnConnection } from '../own-connection.js'
import { copyOut } from '../traffic/copy-out.js'
import { appliedMigrations, DUMP_SETTINGS, dumpTables, usePlainText, type DumpTable } from './tables.js'

/** The data of a database as it is at one moment, whatever is written meanwhile. */
export interface DatabaseSnapshot {
  readonly tables: readonly DumpTable[]
  readonly migrations: readonly string[]
  readonly serverVersion: string
  /** The rows of a table in COPY's text format, in pieces that need not end with a row. */
  rows(table: DumpTable): AsyncGenerator<Buffer, void>
}

/** Keeps a snapshot while the work runs. Its transaction only reads. */
export async function withSnapshot<T>(
  sql: Sql,
  signal: AbortSignal,
  work: (snapshot: DatabaseSnapshot) => Promise<T>,
): Promise<T> {
  const own = openOwnConnection(sql, DUMP_SETTINGS, signal)
  try {
    return await own.transaction('isolation level repeatable read read only', async () => {
      const [row] = await own.sql<{ id: string; version: string }[]>`
        select pg_export_snapshot() as id, current_setting('server_version') as version`
      const { id, version } = row!
      /** Each COPY has a connection of its own, which sees what this transaction sees. */
      const prepare = async (connection: Sql, { name, columns }: DumpTable) => {
        await usePlainText(connection)
        for (const [setting, value] of Object.entries(DUMP_SETTINGS)) {
          await connection`select set_config(${setting}, ${value}, false)`
        }
        await connection`begin isolation level repeatable read read only`
        await connection.unsafe(`set transaction snapshot '${id}'`)
        return `select ${columns.map(quoted).join(', ')} from ${quoted(name)}`
      }
      return work({
        tables: await dumpTables(own.sql),
        migrations: await appliedMigrations(own.sql),
        serverVersion: version,
        rows: (table) => copyOut(sql, 'text', (connection) => prepare(connection, table), signal),
      })
    })
  } finally {
    await own.close()
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
