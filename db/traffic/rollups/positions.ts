import type { Sql } from 'postgres'
import type { FoldedValue, LearnedPosition } from '../../../models/traffic/endpoint-folding.js'
import { MAX_KEPT, MAX_POSITIONS } from '../../../models/traffic/learned-positions.js'
import { PositionValues, type NotedValues } from '../../../models/traffic/position-values.js'
import type { TrafficTable } from '../table.js'

interface StoredPosition extends LearnedPosition {
  readonly noted: NotedValues | null
  readonly notedFrom: Date
}

/** A position with fewer different values in all the time that rollups are kept has no longer many. */
const MIN_VALUES_SEEN = 30

/** The learned positions of a table, and what is noted of their values. One writer at a time. */
export class Positions {
  readonly #sql: Sql
  readonly #table: TrafficTable
  #stored: StoredPosition[] = []
  readonly #values = new Map<string, PositionValues>()
  readonly #changed = new Set<string>()

  constructor(sql: Sql, table: TrafficTable) {
    this.#sql = sql
    this.#table = table
  }

  get all(): readonly LearnedPosition[] {
    return this.#stored
  }

  async read(): Promise<void> {
    this.#stored = await this.#sql<StoredPosition[]>`
      select parent, kept, noted, noted_from as "notedFrom" from aegis_ml_rollup_positions
      where traffic_table = ${this.#table} order by parent`
    this.#values.clear()
    this.#changed.clear()
    for (const { parent, noted } of this.#stored)
      this.#values.set(parent, new PositionValues(noted ?? undefined))
  }

  note({ parent, value }: FoldedValue, successes: number, firstMs: number, lastMs: number): void {
    this.#values.get(parent)?.note(value, successes, firstMs, lastMs)
    this.#changed.add(parent)
  }

  /** Busy values become endpoints of their own. @returns since when they are seen, in ms since 1970; null without any */
  async keepBusy(): Promise<number | null> {
    let since: number | null = null
    for (const { parent, kept } of this.#stored) {
      const values = this.#values.get(parent)!
      const busy = values.busy().slice(0, Math.max(0, MAX_KEPT - kept.length))
      if (busy.length === 0) continue
      for (const { value, firstMs } of busy) {
        values.remove(value)
        this.#changed.add(parent)
        since = Math.min(since ?? Infinity, firstMs)
      }
      const all = [...new Set([...kept, ...busy.map(({ value }) => value)])].sort()
      await this.#sql`
        update aegis_ml_rollup_positions set kept = ${all}
        where traffic_table = ${this.#table} and parent = ${parent}`
    }
    if (since !== null) await this.save() // else they would be busy again
    return since
  }

  /** Forgets the positions that have had few different values since. @returns their parents */
  async forgetBefore(oldest: Date): Promise<string[]> {
    const few = this.#stored.filter(
      ({ parent, notedFrom }) =>
        notedFrom <= oldest && this.#values.get(parent)!.seenSince(oldest.getTime()) < MIN_VALUES_SEEN,
    )
    const parents = few.map(({ parent }) => parent)
    if (parents.length === 0) return []
    await this.#sql`
      delete from aegis_ml_rollup_positions where traffic_table = ${this.#table} and parent = any(${parents}::text[])`
    await this.read()
    return parents
  }

  /** Adds those that are not known yet, as far as there is room. @returns whether there were any */
  async add(positions: readonly LearnedPosition[], now: Date): Promise<boolean> {
    const added = positions
      .filter(({ parent }) => this.#stored.every((each) => each.parent !== parent))
      .slice(0, Math.max(0, MAX_POSITIONS - this.#stored.length))
    for (const { parent, kept } of added) {
      await this.#sql`
        insert into aegis_ml_rollup_positions (traffic_table, parent, kept, noted_from)
        values (${this.#table}, ${parent}, ${kept as string[]}, ${now}) on conflict do nothing`
    }
    return added.length > 0
  }

  async save(): Promise<void> {
    for (const parent of this.#changed) {
      const values = this.#values.get(parent)
      if (values === undefined) continue
      values.cut()
      await this.#sql`
        update aegis_ml_rollup_positions set noted = ${this.#sql.json(values.noted as never)}
        where traffic_table = ${this.#table} and parent = ${parent}`
    }
    this.#changed.clear()
  }
}
