import type { Sql } from 'postgres'
import { lockInTransaction, LOCKS } from '../lease.js'
import { openOwnConnection } from '../own-connection.js'
import { copyIn } from '../traffic/copy-in.js'
import { DUMP_SETTINGS, dumpTables, isGatewayTable, usePlainText, type DumpTable } from './tables.js'

/** The database does not take the dump. The message is one line for the user. */
export class RestoreRefusedError extends Error {}

/** The database has data, which only the user can decide to replace. */
export class DatabaseNotEmptyError extends RestoreRefusedError {}

/** A database that is being filled. */
export interface RestoreTarget {
  /**
   * Fills a table with rows in COPY's text format.
   *
   * @returns how many rows PostgreSQL has taken
   * @throws RestoreRefusedError when the database has no such table or column
   */
  fill(name: string, columns: readonly string[], rows: AsyncIterable<Buffer>): Promise<number>
}

export interface RestoreOptions {
  /** What the dump has. */
  readonly tables: readonly string[]
  /** Deletes what is there. */
  readonly replace: boolean
  readonly signal: AbortSignal
}

/** How the sessions of a running service call themselves. */
const SERVICE = 'aegis-ml'

/**
 * Fills a database in one transaction: when the work fails, or the process is killed, the database is what it was. A
 * service that starts meanwhile waits for the end, since it has to look for migrations first.
 *
 * @throws RestoreRefusedError when a service runs on the database, or it does not take the dump
 */
export async function restoreInto(
  sql: Sql,
  { tables, replace, signal }: RestoreOptions,
  work: (target: RestoreTarget) => Promise<void>,
): Promise<void> {
  const own = openOwnConnection(sql, DUMP_SETTINGS, signal)
  const tx = own.sql
  try {
    await own.transaction('', async () => {
      await lockInTransaction(tx, LOCKS.migrations)
      await refuseBesideService(tx)
      await usePlainText(tx)
      const present = await dumpTables(tx)
      const concerned = present.filter(({ name }) => tables.includes(name) || !isGatewayTable(name))
      if (replace) await empty(tx, concerned)
      else await refuseData(tx, concerned)
      await work({
        async fill(name, columns, rows) {
          const table = present.find((each) => each.name === name)
          checkColumns(name, table, columns)
          return copyIn(tx`copy ${tx(name)} (${tx([...columns])}) from stdin`, rows, signal)
        },
      })
      for (const table of present) await advanceSequences(tx, table)
    })
  } finally {
    await own.close()
  }
}

async function refuseBesideService(tx: Sql): Promise<void> {
  const sessions = await tx`select 1 from pg_stat_activity
    where datname = current_database() and application_name = ${SERVICE} limit 1`
  if (sessions.length === 0) return
  throw new RestoreRefusedError('A service uses this database. Stop all its replicas first.')
}

async function refuseData(tx: Sql, tables: readonly DumpTable[]): Promise<void> {
  const filled: string[] = []
  for (const { name } of tables) {
    const [row] = await tx<{ filled: boolean }[]>`select exists (select from ${tx(name)}) as filled`
    if (row!.filled) filled.push(name)
  }
  if (filled.length > 0) throw new DatabaseNotEmptyError(`The database has data in ${filled.join(', ')}.`)
}

/** All at once, since they reference one another. */
async function empty(tx: Sql, tables: readonly DumpTable[]): Promise<void> {
  if (tables.length > 0) await tx`truncate ${tx(tables.map(({ name }) => name))}`
}

function checkColumns(name: string, table: DumpTable | undefined, columns: readonly string[]): void {
  if (table === undefined) {
    throw new RestoreRefusedError(
      `The database has no table ${name}. The dump is of a newer release, or of another service.`,
    )
  }
  const unknown = columns.filter((column) => !table.columns.includes(column))
  if (unknown.length === 0) return
  throw new RestoreRefusedError(`The table ${name} of the database has no column ${unknown.join(', ')}.`)
}

/** The next id is above all that were restored. */
async function advanceSequences(tx: Sql, { name, columns }: DumpTable): Promise<void> {
  for (const column of columns) {
    const [row] = await tx<{ sequence: string | null }[]>`
      select pg_get_serial_sequence(quote_ident(${name}), ${column}) as sequence`
    if (row!.sequence === null) continue
    await tx`select setval(${row!.sequence}::regclass, max(${tx(column)})) from ${tx(name)} having max(${tx(column)}) > 0`
  }
}
