import type { Sql, TransactionSql } from 'postgres'
import type { WrittenIncident } from '../../db/own/incident-book.js'
import { writeWatchProgress, type WatchProgress } from '../../db/own/watch-state.js'
import {
  enterAlarmsOfSources,
  storeWatchedMinutes,
  type AlarmPlace,
  type WatchedMinute,
} from '../../db/own/watched-minutes.js'
import type { Incident } from '../../models/incidents/incident.js'
import type { Incidents } from '../incidents.js'

/** What a round changes, all of it or nothing. */
export interface RoundChange {
  /** How far the watcher was; null where it begins. */
  readonly fromMs: number | null
  readonly progress: WatchProgress
  readonly incidents: readonly Incident[]
  readonly minutes: readonly WatchedMinute[]
  /** The alarms of sources that the incidents have taken up. */
  readonly entered: readonly AlarmPlace[]
}

export interface CommitOptions {
  readonly sql: Sql
  readonly incidents: Pick<Incidents, 'store'>
  /** Puts what people are told into the queue, in the transaction of the round. */
  readonly announce: (tx: TransactionSql, written: readonly WrittenIncident[], at: Date) => Promise<void>
}

/** Another replica has judged these minutes. */
export class OvertakenError extends Error {
  constructor() {
    super('Another replica watches.')
  }
}

/**
 * Writes a round in one transaction: how far the watcher is, the incidents, what people are told of them, and the minutes.
 * @throws OvertakenError when another replica was faster; nothing is written then
 */
export async function commitRound(
  { sql, incidents, announce }: CommitOptions,
  { fromMs, progress, minutes, incidents: changed, entered }: RoundChange,
): Promise<readonly WrittenIncident[]> {
  return sql.begin(async (tx) => {
    if (!(await writeWatchProgress(tx, fromMs, progress))) throw new OvertakenError()
    const written = await incidents.store(tx, changed)
    await announce(tx, written, new Date(progress.judgedToMs))
    await storeWatchedMinutes(tx, minutes)
    await enterAlarmsOfSources(tx, entered)
    return written
  })
}
