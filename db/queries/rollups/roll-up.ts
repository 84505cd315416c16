import type { TransactionSql } from 'postgres'
import { replaceClientHours } from './client-hours.js'
import type { EndpointNames } from './endpoints.js'
import { replaceMinutes } from './minutes.js'
import type { RollupSession } from './session.js'
import { ScratchSize } from './scratch.js'
import type { TimeRange } from './times.js'
import { addressOf, latencyOf, type TrafficSource } from './traffic-source.js'

/** Names whose numbers are kept from chunk to chunk. */
const MOST_NAMES = 200_000

/** Rolls chunks up: whole minutes, or whole hours with their clients; each replaces what was there. */
export class Roller {
  readonly #session: RollupSession
  readonly #source: TrafficSource
  readonly #endpoints: EndpointNames
  readonly #names = new ScratchSize(MOST_NAMES)

  constructor(session: RollupSession, source: TrafficSource, endpoints: EndpointNames) {
    this.#session = session
    this.#source = source
    this.#endpoints = endpoints
  }

  /**
   * In a transaction of a single snapshot. With clients the range must begin with an hour.
   * @returns how many rows there were
   */
  async rollUp(tx: TransactionSql, chunk: TimeRange, withClients: boolean): Promise<number> {
    const { signal, sql } = this.#session
    const { table } = this.#source
    await this.#endpoints.resolve(tx, chunk)
    signal.throwIfAborted()
    await this.#numberNames(tx, chunk)
    const rows = await this.#load(tx, chunk)
    signal.throwIfAborted()
    await replaceMinutes(tx, sql, table, chunk)
    signal.throwIfAborted()
    if (withClients) await replaceClientHours(tx, table, chunk)
    return rows
  }

  /** Users and addresses get numbers, which are counted and sorted several times as fast as names are. */
  async #numberNames(tx: TransactionSql, { from, to }: TimeRange): Promise<void> {
    const { sql } = this.#session
    if (this.#names.isFull) {
      await tx`truncate rollup_names`
      this.#names.clear()
    }
    const { count } = await tx`
      insert into rollup_names (name)
      with pairs as (
        select user_id, ip_address from ${sql(this.#source.table)}
        where "timestamp" >= ${from} and "timestamp" < ${to} group by 1, 2
      )
      select name from (
        select user_id::text collate "C" as name from pairs union select ${addressOf(sql, this.#source)} from pairs
      ) found
      where name is not null and not exists (select from rollup_names known where known.name = found.name)`
    if (this.#names.add(count)) await tx`analyze rollup_names`
  }

  async #load(tx: TransactionSql, { from, to }: TimeRange): Promise<number> {
    const { sql } = this.#session
    const { table } = this.#source
    const { count } = await tx`
      insert into rollup_requests
      select floor(date_part('epoch', "timestamp") - ${from.getTime() / 1000}::float8)::int, endpoint, latency,
        status, users.no, addresses.no
      from (
        select "timestamp", coalesce(method, '') as method, coalesce(path, '') as path,
          ${latencyOf(sql, table)} as latency, coalesce(status_code, 0) as status,
          user_id::text collate "C" as user_id, ${addressOf(sql, this.#source)} collate "C" as address
        from ${sql(table)} where "timestamp" >= ${from} and "timestamp" < ${to}
      ) requests
      join rollup_paths using (method, path)
      left join rollup_names users on users.name = user_id
      left join rollup_names addresses on addresses.name = address`
    return count
  }
}
