import type { TransactionSql } from 'postgres'
import { replaceClientHours } from './client-hours.js'
import type { EndpointNames } from './endpoints.js'
import { replaceMinutes } from './minutes.js'
import type { RollupSession } from './session.js'
import type { TimeRange } from './times.js'
import { addressOf, latencyOf, type TrafficSource } from './traffic-source.js'

/** Clients whose numbers are kept from chunk to chunk. */
const MOST_CLIENTS = 200_000

/** Rolls chunks up: whole minutes, or whole hours with their clients; each replaces what was there. */
export class Roller {
  readonly #session: RollupSession
  readonly #source: TrafficSource
  readonly #names: EndpointNames
  #clients = 0

  constructor(session: RollupSession, source: TrafficSource, names: EndpointNames) {
    this.#session = session
    this.#source = source
    this.#names = names
  }

  /**
   * In a transaction of a single snapshot. With clients the range must begin with an hour.
   * @returns how many rows there were
   */
  async rollUp(tx: TransactionSql, chunk: TimeRange, withClients: boolean): Promise<number> {
    const { signal, sql } = this.#session
    const { table } = this.#source
    await this.#names.resolve(tx, chunk)
    signal.throwIfAborted()
    await this.#numberClients(tx, chunk)
    const rows = await this.#load(tx, chunk)
    signal.throwIfAborted()
    await replaceMinutes(tx, sql, table, chunk)
    signal.throwIfAborted()
    if (withClients) await replaceClientHours(tx, table, chunk)
    return rows
  }

  async #numberClients(tx: TransactionSql, { from, to }: TimeRange): Promise<void> {
    const { sql } = this.#session
    if (this.#clients > MOST_CLIENTS) {
      await tx`truncate rollup_clients`
      this.#clients = 0
    }
    const { count } = await tx`
      insert into rollup_clients (client)
      select client from (
        select coalesce(user_id::text, ${addressOf(sql, this.#source)}) collate "C" as client
        from ${sql(this.#source.table)} where "timestamp" >= ${from} and "timestamp" < ${to} group by 1
      ) found
      where client is not null and not exists (
        select from rollup_clients known where known.client = found.client
      )`
    this.#clients += count
    if (count > 0) await tx`analyze rollup_clients`
  }

  async #load(tx: TransactionSql, { from, to }: TimeRange): Promise<number> {
    const { sql } = this.#session
    const { table } = this.#source
    const { count } = await tx`
      insert into rollup_requests
      select floor(date_part('epoch', "timestamp") - ${from.getTime() / 1000}::float8)::int, endpoint,
        latency, coalesce(status_code, 0), id, user_id, address
      from (
        select "timestamp", coalesce(method, '') as method, coalesce(path, '') as path, status_code,
          ${latencyOf(sql, table)} as latency, user_id::text, ${addressOf(sql, this.#source)} as address
        from ${sql(table)} where "timestamp" >= ${from} and "timestamp" < ${to}
      ) requests
      join rollup_paths using (method, path)
      left join rollup_clients on client = coalesce(user_id, address) collate "C"`
    return count
  }
}
