import type { Sql } from 'postgres'
import type { Log } from '../../log.js'
import type { TrafficTable } from '../table.js'
import { readStoredRules } from '../../own/path-rules.js'
import { dropRollups } from './drop-rollups.js'
import { EndpointNames } from './endpoints.js'
import { lateMinutes } from './late-minutes.js'
import { Roller } from './roll-up.js'
import { createScratch } from './scratch.js'
import { openLog, type RequestLog } from './request-log.js'
import { withRollupSession, type RollupSession } from './session.js'
import { readRolledTo, writeRolledTo } from './state.js'
import { ensureRollupTables } from './tables.js'
import * as times from './times.js'
import { MIN_TIME, MAX_TIME, type TimeRange } from './times.js'
import { recordRenamed, takeRenamed } from './renamed-ranges.js'
import { forgetTouchedRanges, pendingTouchedRanges } from './touched-ranges.js'
import { findTrafficSource, firstRow, type TrafficSource } from './traffic-source.js'
import type { PathRules } from '../../../models/traffic/path-rules.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

export interface UpdateOptions {
  readonly table: TrafficTable
  /** The pool of the database that has the traffic table; left out, it is that of the rollups. */
  readonly trafficSql?: Sql
  readonly now: Date
  /** Older rollups are dropped. */
  readonly retentionDays: number
  /** Rollups from here on are made even if they are older: the caller is about to read them. The next update drops them. */
  readonly keepFrom?: Date
  /** Rows of other writers may arrive as late as this. */
  readonly lookBackMinutes: number
  /** How paths are folded into endpoints, unless other rules are stored; as before, when absent. */
  readonly pathRules?: PathRules | undefined
  readonly signal: AbortSignal
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Called after each chunk with the share that is done, 0…1. */
  readonly onProgress?: (share: number) => void
}

/** The number of rows that a chunk aims at: enough to outweigh its statements, few enough to sort in memory. */
const CHUNK_ROWS = 150_000
const MAX_CHUNK_MS = DAY_MS

/** Where endpoints have new names, an update rolls up as many rows again; the next ones continue. */
const MAX_RENAMED_ROWS = 1_000_000

/** Rollups that reach further beyond the clock than this mean that the clock was set back. */
const CLOCK_TOLERANCE_MS = 10 * MINUTE_MS

/** The tables whose missing index has been logged, by pool: once is enough. */
const warned = new WeakMap<Sql, Set<TrafficTable>>()

/** See updateRollups in db/traffic/rollups.ts. */
export async function update(pool: Sql, options: UpdateOptions): Promise<void> {
  const { table, signal, trafficSql = pool } = options
  await withRollupSession(pool, signal, async (session) => {
    const log = await openLog(session.sql, trafficSql === pool ? null : trafficSql, table, signal)
    try {
      const source = await findTrafficSource(log.sql, table)
      warnOfMissingIndex(trafficSql, source, options.log)
      await ensureRollupTables(session)
      await createScratch(session.sql)
      await new Update(session, log, await log.prepare(source), options).run()
    } finally {
      await log.close()
    }
  })
}

function warnOfMissingIndex(pool: Sql, source: TrafficSource, log: UpdateOptions['log']): void {
  const { table, indexStatement } = source
  const tables = warned.get(pool) ?? new Set()
  if (indexStatement === undefined || tables.has(table)) return
  warned.set(pool, tables.add(table))
  log.warn(
    { table },
    `${table} has no index on its timestamp and is read whole each time; run: ${indexStatement}`,
  )
}

class Update {
  readonly #session: RollupSession
  readonly #log: RequestLog
  readonly #options: UpdateOptions
  readonly #names: EndpointNames
  readonly #roller: Roller
  /** Rollups are kept from here. */
  readonly #oldest: Date
  /** Earlier rollups are kept for `keepFrom` only. */
  readonly #retained: Date
  /** The current minute is not over, so it is left out. */
  readonly #end: Date
  #chunkMs = HOUR_MS
  #toDoMs = 0
  #doneMs = 0

  constructor(session: RollupSession, log: RequestLog, source: TrafficSource, options: UpdateOptions) {
    this.#session = session
    this.#log = log
    this.#options = options
    this.#names = new EndpointNames(session.sql, source)
    this.#roller = new Roller(session.sql, source, this.#names)
    const oldestMs = options.now.getTime() - options.retentionDays * DAY_MS
    this.#retained = times.floorTo(HOUR_MS, Math.max(oldestMs, MIN_TIME.getTime()))
    this.#oldest = times.earlier(this.#retained, times.floorTo(HOUR_MS, options.keepFrom ?? this.#retained))
    this.#end = times.floorTo(MINUTE_MS, options.now)
  }

  async run(): Promise<void> {
    const { sql } = this.#session
    const { table, onProgress } = this.#options
    await dropRollups(sql, table, { from: MIN_TIME, to: this.#oldest })
    // Rows are visible as soon as their range is. So the first roll-up covers every range that is read here.
    const touched = await pendingTouchedRanges(sql, table)
    await this.#beginNames()
    const rolledTo = await this.#start()
    if (rolledTo === undefined) {
      await forgetTouchedRanges(sql, touched.ids)
    } else {
      const again = await this.#changedRanges(rolledTo, touched.minutes)
      const ahead = { from: rolledTo, to: this.#end }
      this.#toDoMs = [...again, ahead].reduce((sum, range) => sum + times.lengthOf(range), 0)
      for (const range of again) await this.#rollRange(range)
      await forgetTouchedRanges(sql, touched.ids)
      await this.#rollRange(ahead, (reached) => writeRolledTo(sql, table, reached, this.#names.rules))
      await this.#session.transaction(() => this.#names.learn(this.#options.now))
      await this.#rollRenamed()
    }
    onProgress?.(1)
  }

  /** Years without a row are not rolled up again day by day. */
  async #skipRenamed(range: TimeRange): Promise<void> {
    const { sql } = this.#session
    const { table } = this.#options
    const reached = await this.#skip(range.from, range.to)
    const others = (await takeRenamed(sql, table)).flatMap((each) => [
      ...times.clipRanges([each], { from: MIN_TIME, to: range.from }),
      ...times.clipRanges([each], { from: reached, to: MAX_TIME }),
    ])
    await recordRenamed(sql, table, others)
  }

  async #beginNames(): Promise<void> {
    const { sql, transaction } = this.#session
    const { table } = this.#options
    const pathRules = (await readStoredRules(sql))?.rules ?? this.#options.pathRules
    await transaction(async () => {
      const rolledTo = await readRolledTo(sql, table)
      const changed = await this.#names.begin(this.#oldest, pathRules)
      if (rolledTo === undefined) return this.#names.beginAnew()
      if (!changed) return
      await recordRenamed(sql, table, [{ from: this.#oldest, to: rolledTo }])
      await writeRolledTo(sql, table, rolledTo, this.#names.rules)
    })
  }

  /** Ranges in which endpoints have new names, the newest first; a bounded number of rows. */
  async #rollRenamed(): Promise<void> {
    const { sql, transaction } = this.#session
    const { table } = this.#options
    const bounds = { from: this.#oldest, to: this.#end }
    for (let rows: number | undefined = 0, left = MAX_RENAMED_ROWS; left > 0; left -= Math.max(1, rows)) {
      rows = await transaction(async () => {
        const [first, ...rest] = times.clipRanges(await takeRenamed(sql, table), bounds)
        if (first === undefined) return undefined
        const chunk = { from: first.from, to: times.earlier(first.to, this.#chunkEnd(first.from)) }
        await recordRenamed(sql, table, times.clipRanges([first], { from: chunk.to, to: first.to }))
        await recordRenamed(sql, table, rest)
        await this.#log.fetch(chunk)
        const found = await this.#roller.rollUp(chunk, 'same')
        this.#adaptChunks(chunk, found)
        if (found === 0 && chunk.to < first.to) await this.#skipRenamed({ from: chunk.to, to: first.to })
        return found
      })
      if (rows === undefined) return
    }
  }

  /** Where to continue; undefined when the traffic table has no rows to begin with. */
  async #start(): Promise<Date | undefined> {
    const { sql } = this.#session
    const { table, log } = this.#options
    const rolledTo = await readRolledTo(sql, table)
    if (rolledTo === undefined) {
      const first = await firstRow(this.#log.sql, table, { from: this.#oldest, to: this.#end })
      if (first === undefined) return undefined
      log.info({ table, from: first }, 'rolling up the traffic table for the first time')
      return times.floorTo(HOUR_MS, first)
    }
    if (rolledTo.getTime() > this.#end.getTime() + CLOCK_TOLERANCE_MS) return this.#rewind(rolledTo)
    return times.later(rolledTo, this.#oldest)
  }

  /**
   * The clock was ahead for a while: the rollups include minutes that had not yet happened, and some may have been
   * dropped as too old. All of them are made again.
   */
  async #rewind(rolledTo: Date): Promise<Date | undefined> {
    const { table, log } = this.#options
    log.warn({ table, rolledTo, now: this.#end }, 'the clock was set back; the rollups are made anew')
    const { sql, transaction } = this.#session
    const first = await firstRow(this.#log.sql, table, { from: this.#oldest, to: this.#end })
    const start = times.floorTo(HOUR_MS, first ?? this.#end)
    await transaction(async () => {
      await dropRollups(sql, table, { from: MIN_TIME, to: MAX_TIME })
      await this.#names.beginAnew()
      await writeRolledTo(sql, table, start, this.#names.rules)
    })
    return first && start
  }

  /** The ranges to roll up again: those that our own writers touched, and minutes where rows of others came late. */
  async #changedRanges(rolledTo: Date, touched: readonly TimeRange[]): Promise<TimeRange[]> {
    const { table, lookBackMinutes } = this.#options
    const lookBack = new Date(Math.max(rolledTo.getTime() - lookBackMinutes * MINUTE_MS, MIN_TIME.getTime()))
    const late = await lateMinutes(this.#session.sql, this.#log.sql, table, {
      from: times.later(this.#oldest, lookBack),
      to: rolledTo,
    })
    // Rollups older than the retention were dropped by an earlier update, or never made.
    const beyond = { from: this.#oldest, to: this.#retained }
    const ranges = [...touched, ...late, ...(times.lengthOf(beyond) > 0 ? [beyond] : [])]
    return times.clipRanges(times.joinRanges(ranges), { from: this.#oldest, to: rolledTo })
  }

  async #rollRange({ from, to }: TimeRange, finish?: (reached: Date) => Promise<void>): Promise<void> {
    for (let done = from; done < to;) {
      const chunk = { from: done, to: times.earlier(to, this.#chunkEnd(done)) }
      done = await this.#rollChunk(chunk, to, finish)
    }
  }

  /**
   * One transaction. Where there are no rows, it continues to the hour of the next row, or to the limit.
   * @returns the time up to which the rollups are made
   */
  async #rollChunk(chunk: TimeRange, limit: Date, finish?: (reached: Date) => Promise<void>): Promise<Date> {
    const { onProgress } = this.#options
    const reached = await this.#session.transaction(async () => {
      await this.#log.fetch(chunk)
      const rows = await this.#roller.rollUp(chunk, finish === undefined ? 'changed' : 'no')
      this.#adaptChunks(chunk, rows)
      const reached = rows > 0 || chunk.to >= limit ? chunk.to : await this.#skip(chunk.to, limit)
      await finish?.(reached)
      return reached
    })
    this.#doneMs += times.lengthOf({ from: chunk.from, to: reached })
    onProgress?.(Math.min(1, this.#doneMs / this.#toDoMs))
    return reached
  }

  async #skip(from: Date, limit: Date): Promise<Date> {
    const { sql } = this.#session
    const { table } = this.#options
    const next = await firstRow(this.#log.sql, table, { from, to: limit })
    const reached = next === undefined ? limit : times.floorTo(HOUR_MS, next)
    await dropRollups(sql, table, { from, to: reached })
    return reached
  }

  #chunkEnd(from: Date): Date {
    return new Date(times.floorTo(HOUR_MS, from).getTime() + this.#chunkMs)
  }

  #adaptChunks(chunk: TimeRange, rows: number): void {
    const wished = (times.lengthOf(chunk) * CHUNK_ROWS) / Math.max(1, rows)
    const bounded = Math.min(wished, 4 * this.#chunkMs, MAX_CHUNK_MS)
    this.#chunkMs = Math.max(HOUR_MS, times.floorTo(HOUR_MS, bounded).getTime())
  }
}
