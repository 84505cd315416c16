import type { Sql } from 'postgres'
import { describeDatabaseError } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { openSourceIncidents } from '../../db/own/incidents.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { Database } from '../database.js'
import type { IncidentFeed } from './feed.js'

/** The open incidents of sources and of the gateway, in memory: a verdict looks its incident up without a question to the database. */
export interface SourceIncidents {
  /** Of the incident of a source that goes on; null where none is known. */
  idOf(source: string): string | null
  /** A report in alarm: its incident is looked for. */
  expect(): void
  close(): Promise<void>
}

export interface SourceIncidentsOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly feed: Pick<IncidentFeed, 'changes' | 'next'>
  readonly log: Pick<Log, 'debug'>
  readonly now: () => number
}

/** After the last report in alarm, incidents are followed for so long: they end later than the alarms. */
const FOLLOWED_MS = 15 * MINUTE_MS
/** What the feed does not tell is noticed within this time. */
const REREAD_MS = 30_000
const RETRY_MS = 1_000

/** Follows the feed of incidents while sources are in alarm. */
export function createSourceIncidents(options: SourceIncidentsOptions): SourceIncidents {
  const { sql, database, feed, log, now } = options
  const closing = new AbortController()
  let known: ReadonlyMap<string, string> = new Map()
  let untilMs = -Infinity
  let following: Promise<void> | undefined

  const follow = async (): Promise<void> => {
    while (!closing.signal.aborted && (now() < untilMs || known.size > 0)) {
      const { changes } = feed
      let waitMs = REREAD_MS
      try {
        await database.assertUsable()
        known = await openSourceIncidents(sql, GATEWAY)
      } catch (error) {
        log.debug({ reason: describeDatabaseError(error) }, 'the incidents of sources are not known')
        waitMs = RETRY_MS
      }
      await feed.next(changes, waitMs, closing.signal)
    }
  }

  return {
    idOf: (source) => known.get(source) ?? null,
    expect() {
      untilMs = now() + FOLLOWED_MS
      following ??= follow().finally(() => (following = undefined))
    },
    async close() {
      closing.abort()
      await following
    },
  }
}
