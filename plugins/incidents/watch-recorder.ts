import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { storeWatchedMinutes, type WatchedMinute } from '../../db/own/watched-minutes.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { Database } from '../database.js'
import type { Judged } from '../detection.js'
import { alarmOf, watchedMinuteOf } from './watched-minute.js'

/** Stores the verdicts on reports of sources, off the path of the verdicts. */
export interface WatchRecorder {
  /** Takes a verdict, in a few microseconds. */
  record(judged: Judged): void
  /** How many verdicts were not stored since the start. */
  readonly lost: number
  /** Stores what is left, for a short time. */
  close(): Promise<void>
}

export interface WatchRecorderOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly retentionDays: number
  readonly log: Pick<Log, 'warn'>
  readonly now: () => number
  readonly maxRows?: number
}

/** The database may be away for five minutes of 1,000 sources. */
const MAX_ROWS = 5_000
const WRITE_MS = 1_000
const CLOSE_LIMIT_MS = 2_000
/** Reports from further ahead come from a wrong clock. */
const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS
/** More sources than detection remembers. */
const MAX_NEWEST = 2_000

export function createWatchRecorder(options: WatchRecorderOptions): WatchRecorder {
  const { sql, database, retentionDays, log, now, maxRows = MAX_ROWS } = options
  /** By source and minute: a second report replaces the first. */
  let rows = new Map<string, Recorded>()
  /** The newest minute of each source. */
  const newest = new Map<string, number>()
  let lost = 0
  let told = 0
  let writing: Promise<void> | undefined

  const put = (key: string, row: Recorded): void => {
    rows.set(key, row)
    if (rows.size <= maxRows) return
    rows.delete(rows.keys().next().value!)
    lost++
  }
  const isLate = (source: string, timeMs: number): boolean => {
    const before = newest.get(source) ?? -Infinity
    if (timeMs < before) return true
    newest.delete(source)
    newest.set(source, timeMs)
    if (newest.size > MAX_NEWEST) newest.delete(newest.keys().next().value!)
    return false
  }
  const write = async (): Promise<void> => {
    const taken = rows
    rows = new Map()
    try {
      await database.assertUsable()
      await storeWatchedMinutes(sql, [...taken.values()].map(reportedMinute))
    } catch (error) {
      const since = rows
      rows = new Map()
      for (const [key, row] of [...taken, ...since]) put(key, row)
      log.warn({ err: error, minutes: taken.size }, 'judged minutes are not stored yet')
    }
    if (lost > told) log.warn({ minutes: lost - told }, 'judged minutes were lost: there were too many')
    told = lost
  }
  const timer = setInterval(() => {
    if (rows.size > 0) writing ??= write().finally(() => (writing = undefined))
  }, WRITE_MS).unref()

  return {
    get lost() {
      return lost
    },
    record(judged) {
      const { source, timestampMs } = judged
      const nowMs = now()
      if (timestampMs > nowMs + CLOCK_TOLERANCE_MS || timestampMs < nowMs - retentionDays * DAY_MS) return
      const timeMs = Math.floor(timestampMs / MINUTE_MS) * MINUTE_MS
      const late = isLate(source, timeMs)
      const key = `${timeMs} ${source}`
      if (!late || !rows.has(key)) put(key, { judged, timeMs, isLate: late })
    },
    async close() {
      clearInterval(timer)
      const limit = new Promise<void>((resolve) => void setTimeout(resolve, CLOSE_LIMIT_MS).unref())
      await Promise.race([
        (writing ?? Promise.resolve()).then(() => (rows.size > 0 ? write() : undefined)),
        limit,
      ])
    },
  }
}

/** A verdict that is not stored yet. */
interface Recorded {
  readonly judged: Judged
  readonly timeMs: number
  readonly isLate: boolean
}

/** A judged report as it is stored: at the beginning of its minute. */
function reportedMinute({ judged, timeMs, isLate }: Recorded): WatchedMinute {
  const { source, interval, verdict } = judged
  const series = { kind: 'source', name: source } as const
  return { ...watchedMinuteOf(series, { timeMs, interval }, verdict, alarmOf(verdict, timeMs)), isLate }
}
