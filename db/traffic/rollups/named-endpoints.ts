import type { Sql } from 'postgres'
import { candidateKey, type Candidate } from '../../../models/traffic/endpoint-candidates.js'
import type { Folded } from '../../../models/traffic/endpoint-folding.js'
import { MAX_ENDPOINTS, OTHER } from '../endpoints.js'
import type { TrafficTable } from '../table.js'

/** Numbers are packed into twelve bits with the minutes; see minutes.ts. */
const MAX_NUMBER = 4095

/** A named endpoint is displaced by one with this many times its successes, and this many more. */
const DISPLACING_RATIO = 2
const DISPLACING_SUCCESSES = 20

export type EndpointState = 'named' | 'declared' | 'ignored' | 'retired'

export interface StoredEndpoint {
  readonly endpoint: number
  readonly method: string
  readonly path: string
  readonly state: EndpointState
  readonly first: Date | null
  readonly last: Date | null
}

/** The endpoints of a table that have a number, as the database has them; one writer at a time. */
export class NamedEndpoints {
  readonly #sql: Sql
  readonly #table: TrafficTable
  readonly #max: number
  readonly #byKey = new Map<string, StoredEndpoint>()
  #successes: Map<number, number> | undefined

  constructor(sql: Sql, table: TrafficTable, max = MAX_ENDPOINTS) {
    this.#sql = sql
    this.#table = table
    this.#max = max
  }

  get all(): readonly StoredEndpoint[] {
    return [...this.#byKey.values()]
  }

  get withName(): readonly StoredEndpoint[] {
    return this.all.filter(({ state }) => state !== 'retired')
  }

  async read(): Promise<void> {
    await this.#sql`
      insert into aegis_ml_rollup_endpoints (traffic_table, endpoint, method, path)
      values (${this.#table}, ${OTHER}, '', 'other') on conflict do nothing`
    const rows = await this.#sql<StoredEndpoint[]>`
      select endpoint, method, path, state, first_seen as first, last_seen as last from aegis_ml_rollup_endpoints
      where traffic_table = ${this.#table} and endpoint <> ${OTHER} order by endpoint`
    this.#byKey.clear()
    for (const row of rows) this.#byKey.set(candidateKey(row), row)
  }

  /**
   * Gives a name, where there is room for it or a clearly less busy endpoint to displace.
   * @returns false when there is neither
   */
  async name(candidate: Candidate, kind: Folded['kind']): Promise<boolean> {
    const key = candidateKey(candidate)
    const state = kind === 'learned' ? 'named' : kind
    if (kind === 'learned' && this.#count('named') >= this.#max && !(await this.#displace(candidate.weight)))
      return false
    const endpoint = this.#byKey.get(key)?.endpoint ?? this.#freeNumber()
    if (endpoint === undefined) return false
    const { method, path, firstMs, lastMs } = candidate
    const [first, last] = [new Date(firstMs), new Date(lastMs)]
    await this.#sql`
      insert into aegis_ml_rollup_endpoints (traffic_table, endpoint, method, path, state, first_seen, last_seen)
      values (${this.#table}, ${endpoint}, ${method}, ${path}, ${state}, ${first}, ${last})
      on conflict (traffic_table, endpoint) do update set state = excluded.state,
        first_seen = least(aegis_ml_rollup_endpoints.first_seen, excluded.first_seen),
        last_seen = greatest(aegis_ml_rollup_endpoints.last_seen, excluded.last_seen)`
    this.#byKey.set(key, { endpoint, method, path, state, first, last })
    this.#successes?.set(endpoint, candidate.successes)
    return true
  }

  /** It has no name any more. Its number is free when no minutes refer to it. */
  async retire(endpoint: StoredEndpoint): Promise<void> {
    await this.#sql`
      update aegis_ml_rollup_endpoints set state = 'retired'
      where traffic_table = ${this.#table} and endpoint = ${endpoint.endpoint}`
    await this.#sql`delete from rollup_paths where endpoint = ${endpoint.endpoint}`
    this.#byKey.set(candidateKey(endpoint), { ...endpoint, state: 'retired' })
  }

  /** Forgets those without requests since; the rules say which ones stay. Their minutes are dropped. */
  async forgetBefore(oldest: Date): Promise<void> {
    await this.#sql`
      delete from aegis_ml_rollup_endpoints
      where traffic_table = ${this.#table} and endpoint <> ${OTHER} and last_seen < ${oldest}`
    await this.read()
  }

  /** The successful requests of each number, in the minutes that are kept. */
  async successes(): Promise<ReadonlyMap<number, number>> {
    if (this.#successes) return this.#successes
    const rows = await this.#sql<{ endpoint: number; successes: number }[]>`
      select endpoint, sum(requests - errors)::float8 as successes from aegis_ml_rollup_endpoint_minutes
      where traffic_table = ${this.#table} group by 1`
    return (this.#successes = new Map(rows.map(({ endpoint, successes }) => [endpoint, successes])))
  }

  /** They have changed. */
  forgetSuccesses(): void {
    this.#successes = undefined
  }

  /** Names of earlier releases have no times; those that never succeeded lose theirs. */
  async settleOldNames(): Promise<void> {
    const old = this.all.filter(({ last }) => last === null)
    if (old.length === 0) return
    await this.#sql`
      update aegis_ml_rollup_endpoints named set first_seen = found.first, last_seen = found.last
      from (
        select endpoint, min(minute) as first, max(minute) as last from aegis_ml_rollup_endpoint_minutes
        where traffic_table = ${this.#table} group by 1
      ) found
      where traffic_table = ${this.#table} and named.endpoint = found.endpoint and named.last_seen is null`
    await this.#sql`
      delete from aegis_ml_rollup_endpoints
      where traffic_table = ${this.#table} and endpoint <> ${OTHER} and last_seen is null`
    await this.read()
    const successes = await this.successes()
    const numbers = new Set(old.map(({ endpoint }) => endpoint))
    for (const each of this.withName) {
      if (numbers.has(each.endpoint) && !successes.get(each.endpoint)) await this.retire(each)
    }
  }

  #count(state: EndpointState): number {
    let count = 0
    for (const each of this.#byKey.values()) if (each.state === state) count++
    return count
  }

  #freeNumber(): number | undefined {
    const taken = new Set(this.all.map(({ endpoint }) => endpoint))
    for (let number = 1; number <= MAX_NUMBER; number++) if (!taken.has(number)) return number
    return undefined
  }

  /** Takes the name of the least busy endpoint, where the weight is clearly above its own. */
  async #displace(weight: number): Promise<boolean> {
    const successes = await this.successes()
    const of = ({ endpoint }: StoredEndpoint) => successes.get(endpoint) ?? 0
    let weakest: StoredEndpoint | undefined
    for (const each of this.all) {
      if (each.state === 'named' && (weakest === undefined || of(each) < of(weakest))) weakest = each
    }
    if (weakest === undefined) return false
    if (weight < DISPLACING_RATIO * of(weakest) + DISPLACING_SUCCESSES) return false
    await this.retire(weakest)
    return true
  }
}
