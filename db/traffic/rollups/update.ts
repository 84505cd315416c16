import { DAY_MS } from '../../../models/traffic/durations.js'
import type { Sql } from 'postgres'
import type { Log } from '../../log.js'
import type { TrafficTable } from '../table.js'
import { dropRollups } from './drop-rollups.js'
import { EndpointNames } from './endpoints.js'
import { lateMinutes } from './late-minutes.js'
import { Roller } from './roll-up.js'
import { createScratch } from './scratch.js'
import { withRollupSession, type RollupSession } from './session.js'
import { readState, writeState, type RollupState } from './state.js'
import { ensureRollupTables } from './tables.js'
import * as times from './times.js'
import { EARLIEST, LATEST, type TimeRange } from './times.js'
import { forgetTouchedRanges, pendingTouchedRanges } from './touched-ranges.js'
import { findTrafficSource, firstRow, type TrafficSource } from './traffic-source.js'
import { HOUR_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

export interface UpdateOptions {
  readonly table: TrafficTable
  readonly now: Date
  /** Older rollups are dropped. */
  readonly retentionDays: number
  /** Those from here on are made all the same, for whoever is about to read them; the next update drops them. */
  readonly keepFrom?: Date
  /** Rows of others may be as late as this. */
  readonly lookBackMinutes: number
  readonly signal: AbortSignal
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Told the share that is done, 0…1, after each chunk. */
  readonly onProgress?: (share: number) => void
}

/** Rows that a chunk should have: enough to outweigh its statements, few enough to be sorted in memory. */
const CHUNK_ROWS = 150_000
const LONGEST_CHUNK_MS = DAY_MS

/** How far beyond the clock rollups may reach before it must have been set back. */
const CLOCK_TOLERANCE_MS = 10 * MINUTE_MS

/** Tables that were told to lack an index, by pool: once is enough. */
const warned = new WeakMap<Sql, Set<TrafficTable>>()

/** See updateRollups in db/traffic/rollups.ts. */
export async function update(pool: Sql, options: UpdateOptions): Promise<void> {
  await withRollupSession(pool, options.signal, async (session) => {
    const source = await findTrafficSource(session.sql, options.table)
    warnOfMissingIndex(pool, source, options.log)
    await ensureRollupTables(session)
    await createScratch(session.sql)
    await new Update(session, source, options).run()
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

/** A range to be rolled up again; with clients it is made of hours. */
interface Again extends TimeRange {
  readonly withClients: boolean
}

class Update {
  readonly #session: RollupSession
  readonly #options: UpdateOptions
  readonly #roller: Roller
  /** Rollups are kept from here. */
  readonly #oldest: Date
  /** Those before are asked for by `keepFrom` alone. */
  readonly #retained: Date
  /** The present minute is not over. */
  readonly #end: Date
  #chunkMs = HOUR_MS
  #toDoMs = 0
  #doneMs = 0

  constructor(session: RollupSession, source: TrafficSource, options: UpdateOptions) {
    this.#session = session
    this.#options = options
    this.#roller = new Roller(session.sql, source, new EndpointNames(session.sql, options.table))
    const oldestMs = options.now.getTime() - options.retentionDays * DAY_MS
    this.#retained = times.floorTo(HOUR_MS, Math.max(oldestMs, EARLIEST.getTime()))
    this.#oldest = times.earlier(this.#retained, times.floorTo(HOUR_MS, options.keepFrom ?? this.#retained))
    this.#end = times.floorTo(MINUTE_MS, options.now)
  }

  async run(): Promise<void> {
    const { sql } = this.#session
    const { table, onProgress } = this.#options
    await dropRollups(sql, table, { from: EARLIEST, to: this.#oldest })
    // Rows are visible as soon as their range is: what is not rolled up again below comes with the first roll-up.
    const touched = await pendingTouchedRanges(sql, table)
    const state = await this.#start()
    if (state !== undefined) {
      const again = await this.#again(state, touched.minutes)
      const ahead = { from: state.rolledTo, to: this.#end }
      this.#toDoMs = [...again, ahead].reduce((sum, range) => sum + times.lengthOf(range), 0)
      for (const range of again) await this.#rollAgain(range)
      await forgetTouchedRanges(sql, touched.ids)
      await this.#advance(state)
    } else {
      await forgetTouchedRanges(sql, touched.ids)
    }
    onProgress?.(1)
  }

  /** Where to go on; undefined when there is no row to begin with. */
  async #start(): Promise<RollupState | undefined> {
    const { sql } = this.#session
    const { table, log } = this.#options
    const state = await readState(sql, table)
    if (state === undefined) {
      const first = await firstRow(sql, table, { from: this.#oldest, to: this.#end })
      if (first === undefined) return undefined
      log.info({ table, from: first }, 'rolling up the traffic table for the first time')
      return startingAt(times.floorTo(HOUR_MS, first))
    }
    if (state.rolledTo.getTime() > this.#end.getTime() + CLOCK_TOLERANCE_MS) return this.#rewind(state)
    return {
      rolledTo: times.later(state.rolledTo, this.#oldest),
      clientsTo: times.later(state.clientsTo, this.#oldest),
    }
  }

  /**
   * The clock was ahead for a while: rollups claim minutes that were yet to come, and some may have been dropped as
   * too old. All are made anew.
   */
  async #rewind({ rolledTo }: RollupState): Promise<RollupState | undefined> {
    const { table, log } = this.#options
    log.warn({ table, rolledTo, now: this.#end }, 'the clock was set back; the rollups are made anew')
    const { sql, transaction } = this.#session
    const first = await firstRow(sql, table, { from: this.#oldest, to: this.#end })
    const state = startingAt(times.floorTo(HOUR_MS, first ?? this.#end))
    await transaction(async () => {
      await dropRollups(sql, table, { from: EARLIEST, to: LATEST })
      await writeState(sql, table, state)
    })
    return first && state
  }

  /** What our own writers touched, and where rows of others came late. */
  async #again(state: RollupState, touched: readonly TimeRange[]): Promise<Again[]> {
    const { sql } = this.#session
    const { table, lookBackMinutes } = this.#options
    const lookBack = new Date(
      Math.max(state.rolledTo.getTime() - lookBackMinutes * MINUTE_MS, EARLIEST.getTime()),
    )
    const late = await lateMinutes(sql, table, {
      from: times.later(this.#oldest, lookBack),
      to: state.rolledTo,
    })
    const beyond = { from: this.#oldest, to: this.#retained } // dropped by an earlier update, or never made
    const ranges = times.joinRanges([...touched, ...late, ...(times.lengthOf(beyond) > 0 ? [beyond] : [])])
    // Hours that are over are rolled up whole, for their clients; those of the present one come when it is over.
    const settled = times.floorTo(HOUR_MS, state.rolledTo)
    const hours = times.joinRanges(
      ranges.map(({ from, to }) => ({ from: times.floorTo(HOUR_MS, from), to: times.ceilTo(HOUR_MS, to) })),
    )
    return [
      ...times
        .clipRanges(hours, { from: this.#oldest, to: settled })
        .map((r) => ({ ...r, withClients: true })),
      ...times
        .clipRanges(ranges, { from: settled, to: state.rolledTo })
        .map((r) => ({ ...r, withClients: false })),
    ]
  }

  async #rollAgain({ from, to, withClients }: Again): Promise<void> {
    for (let done = from; done < to;) {
      const chunk = { from: done, to: times.earlier(to, this.#chunkEnd(done)) }
      done = await this.#rollChunk(chunk, withClients, to)
    }
  }

  async #advance(state: RollupState): Promise<void> {
    const { sql } = this.#session
    const { table } = this.#options
    let { rolledTo, clientsTo } = state
    while (rolledTo < this.#end) {
      const hour = times.floorTo(HOUR_MS, rolledTo)
      const to = times.earlier(this.#end, this.#chunkEnd(rolledTo))
      const withClients = clientsAreDue(hour, to, clientsTo)
      const chunk = { from: withClients ? hour : rolledTo, to }
      rolledTo = await this.#rollChunk(chunk, withClients, this.#end, async (reached) => {
        if (withClients) clientsTo = reached
        await writeState(sql, table, { rolledTo: reached, clientsTo })
      })
    }
  }

  /** One transaction. Where there are no rows it goes on to the hour of the next one, or to the limit. */
  async #rollChunk(
    chunk: TimeRange,
    withClients: boolean,
    limit: Date,
    finish?: (reached: Date) => Promise<void>,
  ): Promise<Date> {
    const { onProgress } = this.#options
    const reached = await this.#session.transaction(async () => {
      const rows = await this.#roller.rollUp(chunk, withClients)
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
    const next = await firstRow(sql, table, { from, to: limit })
    const reached = next === undefined ? limit : times.floorTo(HOUR_MS, next)
    await dropRollups(sql, table, { from, to: reached })
    return reached
  }

  #chunkEnd(from: Date): Date {
    return new Date(times.floorTo(HOUR_MS, from).getTime() + this.#chunkMs)
  }

  #adaptChunks(chunk: TimeRange, rows: number): void {
    const wished = (times.lengthOf(chunk) * CHUNK_ROWS) / Math.max(1, rows)
    const bounded = Math.min(wished, 4 * this.#chunkMs, LONGEST_CHUNK_MS)
    this.#chunkMs = Math.max(HOUR_MS, times.floorTo(HOUR_MS, bounded).getTime())
  }
}

function startingAt(time: Date): RollupState {
  return { rolledTo: time, clientsTo: time }
}

/**
 * Clients are by the hour. The present one is rolled up again whenever what is known of it has doubled, so that
 * its rows are read a few times rather than every minute.
 */
function clientsAreDue(hour: Date, to: Date, clientsTo: Date): boolean {
  const known = to.getTime() - hour.getTime()
  return known >= HOUR_MS || known >= 2 * times.lengthOf({ from: hour, to: clientsTo })
}
