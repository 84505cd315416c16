import type { Sql } from 'postgres'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import { MAX_ENDPOINTS, methodName, OTHER } from '../endpoints.js'
import type { TrafficTable } from '../table.js'
import { inRange } from '../times.js'
import { ScratchSize } from './scratch.js'
import type { TimeRange } from './times.js'

/** The number of paths folded at a time. */
const PAGE = 2_000

/** Paths whose endpoints are kept from chunk to chunk. */
const MAX_PATHS = 200_000

/** Gives every path of the range its endpoint, in the temporary table rollup_paths. */
export class EndpointNames {
  readonly #sql: Sql
  readonly #table: TrafficTable
  readonly #maxEndpoints: number
  readonly #known = new ScratchSize(MAX_PATHS)

  constructor(sql: Sql, table: TrafficTable, maxEndpoints = MAX_ENDPOINTS) {
    this.#sql = sql
    this.#table = table
    this.#maxEndpoints = maxEndpoints
  }

  async resolve(range: TimeRange): Promise<void> {
    if (this.#known.isFull) {
      await this.#sql`truncate rollup_paths`
      this.#known.clear()
    }
    const { count } = await this.#sql`
      insert into rollup_new_paths (method, path, requests)
      select method, path, requests from (
        select coalesce(method, '') as method, coalesce(path, '') as path, count(*) as requests
        from ${this.#sql(this.#table)} where ${inRange(this.#sql, range)}
        group by 1, 2
      ) found
      where not exists (
        select from rollup_paths known where known.method = found.method and known.path = found.path
      )`
    if (count === 0) return
    await this.#fold()
    await this.#nameTheBusiest()
    await this.#sql`
      insert into rollup_paths
      select new.method, new.path, coalesce(endpoint, ${OTHER})
      from rollup_new_paths new join rollup_unnamed folded using (no)
      left join aegis_ml_rollup_endpoints named
        on traffic_table = ${this.#table} and named.method = folded.method and named.path = folded.template`
    if (this.#known.add(count)) await this.#sql`analyze rollup_paths`
  }

  /** Reads pages of a cursor: there may be millions of long paths. */
  async #fold(): Promise<void> {
    await this.#sql`declare new_paths no scroll cursor for select no, method, path from rollup_new_paths`
    for (;;) {
      const rows = await this.#sql.unsafe<{ no: number; method: string; path: string }[]>(
        `fetch ${PAGE} from new_paths`,
      )
      if (rows.length === 0) break
      await this.#sql`
        insert into rollup_unnamed
        select * from unnest(${rows.map(({ no }) => no)}::int[], ${rows.map(({ method }) => methodName(method))}::text[],
          ${rows.map(({ path }) => pathTemplate(path))}::text[])`
    }
    await this.#sql`close new_paths`
  }

  /** New endpoints get names as long as there is room: the busiest of them first. */
  async #nameTheBusiest(): Promise<void> {
    await this.#sql`
      insert into aegis_ml_rollup_endpoints (traffic_table, endpoint, method, path)
      values (${this.#table}, ${OTHER}, '', 'other') on conflict do nothing`
    await this.#sql`
      insert into aegis_ml_rollup_endpoints (traffic_table, endpoint, method, path)
      select ${this.#table}, taken + row_number() over (order by requests desc, method, template), method, template
      from (
        select folded.method, template, sum(requests) as requests
        from rollup_unnamed folded join rollup_new_paths using (no)
        where not exists (
          select from aegis_ml_rollup_endpoints named
          where traffic_table = ${this.#table} and named.method = folded.method and named.path = template
        )
        group by 1, 2 order by requests desc, folded.method, template
        limit greatest(0, ${this.#maxEndpoints} -
          (select max(endpoint) from aegis_ml_rollup_endpoints where traffic_table = ${this.#table}))
      ) busiest,
      (select max(endpoint) as taken from aegis_ml_rollup_endpoints where traffic_table = ${this.#table}) names`
  }
}
