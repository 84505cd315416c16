import type { Sql } from 'postgres'
import { withTimeLimit } from '../../db/with-time-limit.js'
import type { Log } from '../../db/log.js'
import { followedRules } from '../../db/traffic/endpoint-folding.js'
import { lookAtLog } from '../../db/traffic/log-look.js'
import { updateRollups } from '../../db/traffic/rollups.js'
import { roundsOf } from '../../db/traffic/rounds.js'
import { rolledUpTo, trafficSteps } from '../../db/traffic/timeline.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { PathRules } from '../../models/traffic/path-rules.js'
import type { Round } from '../../models/watch/judge-round.js'
import type { LogLook } from '../../models/watch/lateness.js'
import type { CurrentTable } from '../traffic-table.js'

/** The request log, as the watcher reads it. Times in ms since 1970; ends are not included. */
export interface WatchedLog {
  look(nowMs: number, afterMs: number | null): Promise<LogLook>
  /**
   * Brings the rollups up to date.
   * @param sinceMs rows from here on may have come since the update before, however late they are
   * @returns up to where they are complete; null without rows
   */
  refresh(nowMs: number, sinceMs: number, signal: AbortSignal): Promise<number | null>
  rounds(fromMs: number, toMs: number, signal: AbortSignal): AsyncIterable<Round>
  /** Requests of the gateway by minute, of those that have some. */
  requests(fromMs: number, toMs: number): Promise<ReadonlyMap<number, number>>
}

export interface WatchedLogOptions {
  readonly sql: Sql
  readonly trafficSql: Sql
  readonly currentTable: CurrentTable
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly pathRules: PathRules
  readonly log: Log
}

/** A first update of a long log is a training's work; one that takes longer goes on in the next round. */
const MAX_UPDATE_MS = 30_000

export function createWatchedLog(options: WatchedLogOptions): WatchedLog {
  const { sql, trafficSql, currentTable, ...updating } = options
  const range = (fromMs: number, toMs: number) => ({ from: new Date(fromMs), to: new Date(toMs) })
  return {
    async look(nowMs, afterMs) {
      const found = await lookAtLog(trafficSql, await currentTable(), { nowMs, afterMs })
      return { nowMs, ...found }
    },
    async refresh(nowMs, sinceMs, closing) {
      const table = await currentTable()
      // To watch changes no rules.
      const pathRules = (await followedRules(sql, table)) ?? options.pathRules
      const lookBackMinutes = Math.max(options.lookBackMinutes, Math.ceil((nowMs - sinceMs) / MINUTE_MS))
      const update = { ...updating, trafficSql, table, pathRules, lookBackMinutes, now: new Date(nowMs) }
      await withTimeLimit(MAX_UPDATE_MS, closing, (signal) =>
        updateRollups(sql, { ...update, signal }),
      ).catch((error: unknown) => {
        if (!isTimeout(error)) throw error
      })
      return (await rolledUpTo(sql, table))?.getTime() ?? null
    },
    async *rounds(fromMs, toMs, signal) {
      yield* roundsOf(sql, await currentTable(), range(fromMs, toMs), signal)
    },
    async requests(fromMs, toMs) {
      const steps = await trafficSteps(sql, await currentTable(), null, range(fromMs, toMs), 60)
      return new Map(steps.map(({ timeMs, requests }) => [timeMs, requests]))
    },
  }
}

const isTimeout = (error: unknown) => error instanceof DOMException && error.name === 'TimeoutError'
