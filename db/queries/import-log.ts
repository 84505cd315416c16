import type { PendingQuery, Row, Sql } from 'postgres'
import { ADVISORY_LOCKS, ADVISORY_LOCK_SPACE } from '../advisory-locks.js'
import { openOwnConnection } from '../own-connection.js'
import { copyIn, type RequestCopy } from './copy-in.js'
import { recordTouchedRange } from './rollups.js'

/** The requests of a log on their way into a traffic table; `request_id` is among the columns, and `timestamp`. */
export type LogImport = Pick<RequestCopy, 'table' | 'columns' | 'rows' | 'signal'>

/** How long a lock of somebody else is waited for. */
const LOCK_TIMEOUT = '10s'

/** Enough to hold the ids of a few million requests that are there already. */
const WORK_MEMORY = '128MB'

/** Hours without requests between two ranges that are recorded one by one. */
const LONGEST_GAP_HOURS = 24
const HOUR_MS = 3_600_000

/**
 * Puts those requests of a log into a traffic table whose request_id is not there yet, within the times of the log,
 * and marks their times for the rollups: all in one transaction. Of two imports one waits for the other before it
 * looks what is there, so that both together add nothing twice.
 *
 * @returns how many rows there were, and how many of them were new
 * @throws PostgresError of the first row that PostgreSQL refuses; the reason of the signal
 */
export async function importRequests(sql: Sql, log: LogImport): Promise<{ rows: number; added: number }> {
  const { table, columns, rows, signal } = log
  signal.throwIfAborted()
  const own = openOwnConnection(sql, {}, signal)
  const tx = own.sql
  try {
    return await own.transaction('', async () => {
      await tx`
        create temporary table aegis_ml_staged on commit drop as
        select ${tx(columns)} from ${tx(table)} with no data`
      const count = await copyIn(tx`copy aegis_ml_staged (${tx(columns)}) from stdin`, rows, signal)
      const hours = count === 0 ? [] : await addNewRows(tx, log)
      for (const range of rangesOf(hours)) await recordTouchedRange(tx, table, range)
      return { rows: count, added: hours.reduce((sum, { added }) => sum + added, 0) }
    })
  } finally {
    await own.close()
  }
}

interface AddedHour {
  readonly hour: Date
  readonly added: number
}

async function addNewRows(tx: Sql, { table, columns, signal }: LogImport): Promise<AddedHour[]> {
  const lock = tx`select pg_advisory_xact_lock(${ADVISORY_LOCK_SPACE}, ${ADVISORY_LOCKS.importing})`
  await orCancelled(lock, signal)
  await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true), set_config('work_mem', ${WORK_MEMORY}, true)`
  const times = tx<{ from: Date; to: Date }[]>`
    select date_trunc('second', min("timestamp")) as from, max("timestamp") + interval '1 second' as to
    from aegis_ml_staged`
  const { from, to } = (await orCancelled(times, signal))[0]!
  const list = tx`${tx(columns)}` // after "insert" the client would take them for values
  const insertion = tx<AddedHour[]>`
    with added as (
      insert into ${tx`${tx(table)}`} (${list})
      select ${list} from aegis_ml_staged staged where not exists (
        select from ${tx(table)} stored
        where stored."timestamp" >= ${from} and stored."timestamp" < ${to}
          and stored.request_id = staged.request_id
      )
      returning "timestamp"
    )
    select date_trunc('hour', "timestamp") as hour, count(*)::float8 as added from added group by 1 order by 1`
  return orCancelled(insertion, signal)
}

/** The answer of a query, which the server gives up at the signal. */
async function orCancelled<T>(query: PendingQuery<T & Row[]>, signal: AbortSignal): Promise<T> {
  const cancel = () => void Promise.resolve(query.cancel()).catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await query
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** The hours as ranges, both ends included; one request dated years ago does not touch all the years since. */
function rangesOf(hours: readonly AddedHour[]): { from: Date; to: Date }[] {
  const ranges: { from: Date; to: Date }[] = []
  for (const { hour } of hours) {
    const to = new Date(hour.getTime() + HOUR_MS - 1)
    const last = ranges.at(-1)
    if (last && hour.getTime() - last.to.getTime() <= LONGEST_GAP_HOURS * HOUR_MS) last.to = to
    else ranges.push({ from: hour, to })
  }
  return ranges
}
