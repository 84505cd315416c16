import type { Sql } from 'postgres'
import type { Again } from '../../../models/traffic/endpoint-candidates.js'
import { inRange, timeOf } from '../times.js'
import { OTHER } from '../endpoints.js'
import type { EndpointNames } from './endpoints.js'
import { replaceMinutes } from './minutes.js'
import { ScratchSize } from './scratch.js'
import type { TimeRange } from './times.js'
import { addressOf, latencyOf, type TrafficSource } from './traffic-source.js'

/** Users and addresses whose numbers are kept from chunk to chunk. */
const MAX_NAMES = 200_000

/** Rolls up chunks of whole minutes. Each chunk replaces the rollups of its minutes. */
export class Roller {
  readonly #sql: Sql
  readonly #source: TrafficSource
  readonly #endpoints: EndpointNames
  readonly #names = new ScratchSize(MAX_NAMES)

  constructor(sql: Sql, source: TrafficSource, endpoints: EndpointNames) {
    this.#sql = sql
    this.#source = source
    this.#endpoints = endpoints
  }

  /**
   * Must run in a transaction of a single snapshot.
   * @param again whether the chunk was rolled up before
   * @returns the number of rows in the chunk
   */
  async rollUp(chunk: TimeRange, again: Again): Promise<number> {
    const sql = this.#sql
    const { table } = this.#source
    await this.#endpoints.resolve(chunk, again)
    await this.#numberNames(chunk)
    const rows = await this.#load(chunk)
    await replaceMinutes(sql, table, chunk)
    await this.#endpoints.noteSeen(chunk)
    return rows
  }

  /** Users and addresses get numbers, which PostgreSQL counts several times as fast as texts. */
  async #numberNames(chunk: TimeRange): Promise<void> {
    const sql = this.#sql
    if (this.#names.isFull) {
      await sql`truncate rollup_names`
      this.#names.clear()
    }
    const { count } = await sql`
      insert into rollup_names (name)
      with pairs as (
        select user_id, ip_address from ${sql(this.#source.table)}
        where ${inRange(sql, chunk)} group by 1, 2
      )
      select name from (
        select user_id::text collate "C" as name from pairs union select ${addressOf(sql, this.#source)} from pairs
      ) found
      where name is not null and not exists (select from rollup_names known where known.name = found.name)`
    if (this.#names.add(count)) await sql`analyze rollup_names`
  }

  async #load(chunk: TimeRange): Promise<number> {
    const sql = this.#sql
    const { table } = this.#source
    const { count } = await sql`
      insert into rollup_requests
      select floor(date_part('epoch', "timestamp") - ${chunk.from.getTime() / 1000}::float8)::int, coalesce(endpoint, ${OTHER}), latency,
        status, users.no, addresses.no
      from (
        select ${timeOf(sql)} as "timestamp", coalesce(method, '') as method, coalesce(path, '') as path,
          ${latencyOf(sql, table)} as latency, coalesce(status_code, 0) as status,
          user_id::text collate "C" as user_id, ${addressOf(sql, this.#source)} collate "C" as address
        from ${sql(table)} where ${inRange(sql, chunk)}
      ) requests
      left join rollup_paths using (method, path)
      left join rollup_names users on users.name = user_id
      left join rollup_names addresses on addresses.name = address`
    return count
  }
}
