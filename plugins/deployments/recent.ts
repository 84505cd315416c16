import type { Sql } from 'postgres'
import { describeDatabaseError } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { deploymentsBetween } from '../../db/own/deployments.js'
import { deploymentsOf, RECENT_DEPLOYMENT_MS, type Deployment } from '../../models/incidents/deployment.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { Database } from '../database.js'

export interface RecentDeploymentsOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly log: Pick<Log, 'debug'>
  readonly now: () => number
}

const NONE: readonly number[] = []
const READ_EVERY_MS = 30_000
/** Clocks of two servers differ. */
const AHEAD_MS = 10 * MINUTE_MS

/** What was deployed lately, whichever replica was told, for those who cannot wait for the database. */
export function createRecentDeployments({ sql, database, log, now }: RecentDeploymentsOptions) {
  let known: readonly Deployment[] = []
  let reading: Promise<void> | undefined
  let isStale = false
  const read = async (): Promise<void> => {
    do {
      isStale = false
      try {
        await database.assertUsable()
        known = await deploymentsBetween(sql, now() - RECENT_DEPLOYMENT_MS, now() + AHEAD_MS)
      } catch (error) {
        log.debug({ reason: describeDatabaseError(error) }, 'deployments are read later')
      }
    } while (isStale)
    reading = undefined
  }
  const refresh = (): void => {
    isStale = true // a reading that has begun may be too early
    reading ??= read()
  }
  const timer = setInterval(refresh, READ_EVERY_MS).unref()
  return {
    refresh,
    /** When something of a source was deployed, ms since 1970. */
    of(source: string): readonly number[] {
      if (known.length === 0) return NONE
      const series = source === GATEWAY ? WHOLE : ({ kind: 'source', name: source } as const)
      return deploymentsOf(series, known, GATEWAY)
    },
    async close(): Promise<void> {
      clearInterval(timer)
      await reading
    },
  }
}

const WHOLE = { kind: 'gateway', name: '' } as const
