import type { Sql } from 'postgres'
import { describeDatabaseError } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { migrate } from '../../db/migrate.js'

/** The setup of the service's own tables on a server that may be away. */
export interface Migration {
  /** Tries once, and again every two seconds until it succeeds. Resolves after the first try. */
  attempt(): Promise<void>
  /** Why the tables are not set up; undefined when they are. */
  problem(): string | undefined
  stop(): void
}

const INTERVAL_MS = 2_000

export function createMigration(sql: Sql, log: Log): Migration {
  let problem: string | undefined = 'not applied yet'
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function attempt(): Promise<void> {
    try {
      const applied = await migrate(sql)
      problem = undefined
      log.info({ applied }, 'the database is up to date')
    } catch (error) {
      if (stopped) return
      const reason = describeDatabaseError(error)
      if (reason !== problem) log.warn({ reason }, 'the database cannot be migrated yet; trying again')
      problem = reason
      timer = setTimeout(() => void attempt(), INTERVAL_MS).unref()
    }
  }

  return {
    attempt,
    problem: () => problem,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
