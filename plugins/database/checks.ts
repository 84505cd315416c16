import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { isReadOnly, readTraffic, sharesBackends, writeOwnTables } from '../../db/checks.js'
import { describeDatabaseError, isDatabaseAway } from '../../db/errors.js'
import { notify } from '../../db/notifications.js'
import { ONE_CONNECTION, openPool, type Connection } from '../../db/pool.js'
import { tableOfAuto, tablesWithRows } from '../../db/traffic/tables-with-rows.js'
import type { Config } from '../config.js'

/** Whether everything that the service needs of a database works. It is tried in the background, again and again. */
export interface Checks {
  /** One sentence for each thing that does not work, as of the last check. */
  problems(): readonly string[]
  /** Resolves after the first check, or after a short time. */
  readonly first: Promise<void>
  stop(): Promise<void>
}

/** What the service needs of a database. */
export interface Needs {
  /** Its tables: written, with notifications. False for a database that is only read. */
  readonly own: boolean
  /** The request log; null when another database has it. */
  readonly traffic: Config['trafficTable'] | null
}

const INTERVAL_MS = 5_000
const RETRY_MS = 500
const LIMIT_MS = 5_000
const FIRST_LIMIT_MS = 3_000
/** A statement that takes longer is a problem of its own. */
const LIMITS = { lock_timeout: '2s', statement_timeout: '4s' }
const CHANNEL = 'aegis_ml_check'

const READ_ONLY =
  'The database is read-only. Detection and reads continue; training, ingest and saved recommendations have to wait until it accepts writes.'
const DEAF =
  'Notifications of the database do not arrive. Changes made by other replicas are noticed late; connect to PostgreSQL directly or through PgBouncer in session mode.'
const SHARED =
  'The connections to the database are shared between sessions. Set pool_mode = session in PgBouncer for this database, or connect to PostgreSQL directly: the service needs LISTEN, session locks and temporary tables.'
const SHARED_TRAFFIC =
  'The connections to the traffic database are shared between sessions. Set pool_mode = session in PgBouncer for this database, or connect to PostgreSQL directly: the service needs settings of its sessions.'

export function createChecks(connection: Connection, { own, traffic }: Needs): Checks {
  const stopping = new AbortController()
  const name = own ? 'database' : 'traffic database'
  const unknown = `The ${name} does not complete the checks of its tables.`
  let problems: readonly string[] = []
  /** Undefined until it is known, and again after an outage. */
  let shared: boolean | undefined
  let heard = 0
  let sent = 0
  let sql = open()

  function open(onclose: () => void = () => undefined): Sql {
    const onnotify = () => (heard = sent)
    return openPool(connection, { ...ONE_CONNECTION, onclose, onnotify }, LIMITS)
  }

  /** Each check on its own: the first that fails does not hide the others. */
  const check = async (): Promise<string[]> => {
    shared ??= await sharesBackends((onLost) => open(onLost), LIMIT_MS / 2)
    const found = shared ? [own ? SHARED : SHARED_TRAFFIC] : []
    const readOnly = own && (await isReadOnly(sql))
    if (readOnly) found.push(READ_ONLY)
    if (traffic !== null) found.push(...(await checkReading(traffic)))
    if (own && !readOnly) found.push(...(await checkWriting()))
    return found
  }

  const checkReading = async (choice: Config['trafficTable']): Promise<string[]> => {
    const table = choice === 'auto' ? tableOfAuto(await tablesWithRows(sql)) : choice
    const problem = await problemOf(readTraffic(sql, table))
    const where = own ? '' : ' of the traffic database'
    return problem
      ? [`The table ${table}${where} cannot be read (${problem}). Training and export have to wait.`]
      : []
  }

  const checkWriting = async (): Promise<string[]> => {
    const problem = await problemOf(writeOwnTables(sql))
    const found = problem ? [`The service's own tables cannot be written (${problem}).`] : []
    return (await listens()) ? found : [...found, DEAF]
  }

  /** A session hears what it sends, before the answer to its next statement. */
  const listens = async (): Promise<boolean> => {
    sent++
    await sql.unsafe(`listen ${CHANNEL}`)
    await notify(sql, CHANNEL, '')
    await sql`select 1`
    return heard === sent
  }

  const run = async (): Promise<void> => {
    const checked = sql
    try {
      const checking = check()
      checking.catch(() => undefined)
      problems = await Promise.race([checking, delay(LIMIT_MS, [unknown], { ref: false })])
      if (problems[0] !== unknown) return
    } catch {
      // The probe says why the database is away. Nothing is known of its tables until they are checked again.
      problems = [unknown]
    }
    shared = undefined
    sql = open()
    void checked.end({ timeout: 0 })
  }

  const repeat = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await run()
      const pauseMs = problems.length === 0 ? INTERVAL_MS : RETRY_MS
      await delay(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  }

  const repeating = run().then(() => void repeat())
  return {
    problems: () => problems,
    first: Promise.race([repeating, delay(FIRST_LIMIT_MS, undefined, { ref: false })]),
    async stop() {
      stopping.abort()
      await sql.end({ timeout: 0 })
    },
  }
}

/** Why a statement fails. @throws when the connection is lost */
async function problemOf(work: Promise<void>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (isDatabaseAway(error)) throw error
    return describeDatabaseError(error)
  }
}
