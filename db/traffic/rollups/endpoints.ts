import type { Sql } from 'postgres'
import {
  EndpointCandidates,
  type Again,
  type EndpointCount,
} from '../../../models/traffic/endpoint-candidates.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import { VALUE } from '../../../models/traffic/placeholders.js'
import { EndpointFolding, type Folded } from '../../../models/traffic/endpoint-folding.js'
import { learnPositions, mayHavePositions } from '../../../models/traffic/learned-positions.js'
import { areSameRules, NO_RULES, type PathRules } from '../../../models/traffic/path-rules.js'
import { readRules } from '../endpoint-folding.js'
import { MAX_ENDPOINTS, methodName } from '../endpoints.js'
import type { TrafficTable } from '../table.js'
import { readCandidates, writeCandidates } from './candidates.js'
import { countChunk, type PathClients } from './chunk-counts.js'
import { NamedEndpoints, type StoredEndpoint } from './named-endpoints.js'
import { Positions } from './positions.js'
import { rangesBefore, recordRenamed } from './renamed-ranges.js'
import { ScratchSize } from './scratch.js'
import { floorTo, MAX_TIME, type TimeRange } from './times.js'

/** The number of paths folded at a time. */
const PAGE = 2_000

/** Paths whose endpoints are kept from chunk to chunk. */
const MAX_PATHS = 200_000

/**
 * Gives every path of a range that belongs to a named endpoint the number of that, in the temporary table rollup_paths;
 * all others are `other`. On the way endpoints earn names; the ranges before, in which they had none, are recorded to be
 * rolled up again.
 */
export class EndpointNames {
  readonly #sql: Sql
  readonly #table: TrafficTable
  readonly #source: PathClients
  readonly #named: NamedEndpoints
  readonly #positions: Positions
  readonly #known = new ScratchSize(MAX_PATHS)
  #candidates = new EndpointCandidates()
  #rules: PathRules = NO_RULES
  #folding = new EndpointFolding()

  constructor(sql: Sql, source: PathClients, maxEndpoints = MAX_ENDPOINTS) {
    this.#sql = sql
    this.#table = source.table
    this.#source = source
    this.#named = new NamedEndpoints(sql, source.table, maxEndpoints)
    this.#positions = new Positions(sql, source.table)
  }

  /** What the rollups follow, to be stored with how far they reach. */
  get rules(): PathRules {
    return this.#rules
  }

  /**
   * Reads what is known; what was not seen since is forgotten.
   * @param rules those that are to be followed; as before, when absent
   * @returns whether other rules were followed before
   */
  async begin(oldest: Date, rules: PathRules | undefined): Promise<boolean> {
    const before = (await readRules(this.#sql, this.#table)) ?? NO_RULES
    this.#rules = rules ?? before
    await this.#named.read()
    await this.#named.settleOldNames()
    await this.#named.forgetBefore(oldest)
    this.#candidates = new EndpointCandidates(await readCandidates(this.#sql, this.#table))
    this.#candidates.forgetBefore(oldest.getTime())
    await this.#positions.read()
    await this.#forgetPositions(oldest)
    this.#readFolding()
    if (areSameRules(this.#rules, before)) return false
    await this.#refold()
    // The caller rolls up the whole history again, which counts those that still have no name.
    for (const each of this.#candidates.all) this.#candidates.remove(each)
    await this.#save()
    this.#candidates = new EndpointCandidates()
    return true
  }

  /** The rollups are made from the start: what was learned from them is learned again. */
  async beginAnew(): Promise<void> {
    await this.#sql`delete from aegis_ml_rollup_candidates where traffic_table = ${this.#table}`
    await this.#sql`delete from aegis_ml_rollup_positions where traffic_table = ${this.#table}`
    await this.#sql`delete from aegis_ml_rollup_renamed where traffic_table = ${this.#table}`
    this.#candidates = new EndpointCandidates()
    await this.#positions.read()
    this.#readFolding()
  }

  /** @param again whether the range was counted before */
  async resolve(range: TimeRange, again: Again = 'no'): Promise<void> {
    if (this.#known.isFull) await this.#forgetPaths()
    // The values of learned positions are counted in each chunk.
    if (this.#positions.all.length > 0) await this.#sql`delete from rollup_paths where is_value`
    if ((await countChunk(this.#sql, this.#source, range)) > 0) {
      await this.#fold(again !== 'no')
      const { counts, floor } = await this.#unnamed()
      await this.#nameIgnored(counts)
      this.#candidates.add(
        counts.filter(({ kind }) => kind !== 'ignored'),
        { again, floor },
      )
      this.#named.forgetSuccesses()
      await this.#promote(range)
      await this.#rememberPaths()
    }
  }

  /** Notes when the endpoints of a range were seen. */
  async noteSeen({ from, to }: TimeRange): Promise<void> {
    await this.#sql`
      update aegis_ml_rollup_endpoints named
      set first_seen = least(first_seen, first), last_seen = greatest(last_seen, last)
      from (
        select endpoint, min(minute) as first, max(minute) as last from aegis_ml_rollup_endpoint_minutes
        where traffic_table = ${this.#table} and minute >= ${from} and minute < ${to} group by 1
      ) found
      where traffic_table = ${this.#table} and named.endpoint = found.endpoint
        and (first_seen is null or first < first_seen or last > last_seen)`
  }

  /**
   * Learns which positions of paths have many values, from all that is known. Busy values of those that are known become
   * endpoints of their own.
   */
  async learn(now: Date): Promise<void> {
    const since = await this.#positions.keepBusy()
    if (since !== null)
      await recordRenamed(this.#sql, this.#table, [
        { from: floorTo(MINUTE_MS, new Date(since)), to: MAX_TIME },
      ])
    const isNew = await this.#learnPositions(now)
    if (since === null && !isNew) return
    await this.#positions.read()
    this.#readFolding()
    await this.#refold()
    await this.#save()
  }

  async #learnPositions(now: Date): Promise<boolean> {
    const { all } = this.#candidates
    const named = this.#named.withName.filter(({ state }) => state === 'named')
    const successful = all.filter(
      ({ successes, notFound, requests }) => successes > 0 && 2 * notFound <= requests,
    )
    if (!mayHavePositions([...successful, ...named].map(({ path }) => path))) return false
    this.#named.forgetSuccesses()
    const successes = await this.#named.successes()
    const weights = named.map(({ path, endpoint }) => {
      return { path, successes: successes.get(endpoint) ?? 0, firstClient: null, lastClient: null }
    })
    const positions = learnPositions([...successful, ...weights.filter((each) => each.successes > 0)])
    return this.#positions.add(positions, now)
  }

  /** The endpoints of a position that is forgotten lose their names, and its paths are endpoints of their own again. */
  async #forgetPositions(oldest: Date): Promise<void> {
    const parents = await this.#positions.forgetBefore(oldest)
    if (parents.length === 0) return
    const isOfThem = ({ path }: { readonly path: string }) =>
      parents.some((parent) => `${path}/`.startsWith(`${parent}/${VALUE}/`))
    for (const each of this.#named.withName) if (isOfThem(each)) await this.#named.retire(each)
    for (const each of this.#candidates.all) if (isOfThem(each)) this.#candidates.remove(each)
    await recordRenamed(this.#sql, this.#table, [{ from: oldest, to: MAX_TIME }])
  }

  #readFolding(): void {
    this.#folding = new EndpointFolding(this.#rules, this.#positions.all)
  }

  /** Names and candidates whose paths are now folded otherwise are counted with what they belong to. */
  async #refold(): Promise<void> {
    await this.#forgetPaths()
    const moved: EndpointCount[] = []
    const move = (each: EndpointCount, { template, kind }: Folded) => {
      if (kind !== 'ignored') moved.push({ ...each, path: template, declared: kind === 'declared' })
    }
    for (const each of this.#candidates.all) {
      const folded = this.#folding.fold(each.path)
      if (folded.template === each.path && (folded.kind === 'declared') === (each.declared === true)) continue
      this.#candidates.remove(each)
      move(each, folded)
    }
    const successes = await this.#named.successes()
    for (const each of this.#named.withName) {
      const folded = this.#folding.fold(each.path)
      const state = folded.kind === 'learned' ? 'named' : folded.kind
      if (folded.template === each.path && state === each.state) continue
      await this.#named.retire(each)
      if (each.state !== 'ignored') move(countOf(each, successes.get(each.endpoint) ?? 0), folded)
    }
    this.#candidates.add(moved)
    await this.#promote({ from: MAX_TIME, to: MAX_TIME })
  }

  /** Reads pages of a cursor: there may be millions of long paths. */
  async #fold(again: boolean): Promise<void> {
    await this.#sql`
      declare new_paths no scroll cursor for
      select no, method, path, successes::float8, first_ms, last_ms from rollup_new_paths`
    for (;;) {
      const rows = await this.#sql.unsafe<NewPath[]>(`fetch ${PAGE} from new_paths`)
      if (rows.length === 0) break
      const folded = rows.map(({ path }) => this.#folding.fold(path))
      const methods = rows.map(({ method }, i) => (folded[i]!.kind === 'ignored' ? '' : methodName(method)))
      for (const [i, { values = [] }] of folded.entries()) {
        const { successes, first_ms: firstMs, last_ms: lastMs } = rows[i]!
        if (successes === 0) continue
        for (const value of values) this.#positions.note(value, again ? 0 : successes, firstMs, lastMs)
      }
      await this.#sql`
        insert into rollup_unnamed
        select * from unnest(${rows.map(({ no }) => no)}::int[], ${methods}::text[],
          ${folded.map(({ template }) => template)}::text[], ${folded.map(({ kind }) => kind)}::text[],
          ${folded.map(({ values = [] }) => values.length)}::int[])`
    }
    await this.#sql`close new_paths`
  }

  /** The heaviest endpoints of the chunk that have no name, and what the others have at most. */
  async #unnamed(): Promise<{ counts: (EndpointCount & { kind: Folded['kind'] })[]; floor: number }> {
    const rows = await this.#sql<(EndpointCount & { kind: Folded['kind'] })[]>`
      select folded.method, template as path, kind, sum(requests)::float8 as requests,
        sum(successes)::float8 as successes, sum(not_found)::float8 as "notFound", sum(probes)::float8 as probes,
        min(first_client) as "firstClient", max(last_client) as "lastClient",
        min(first_ms) as "firstMs", max(last_ms) as "lastMs"
      from rollup_unnamed folded join rollup_new_paths using (no)
      where not exists (
        select from aegis_ml_rollup_endpoints named
        where traffic_table = ${this.#table} and named.method = folded.method and named.path = template
          and state <> 'retired'
      )
      group by 1, 2, 3
      order by kind = 'ignored' desc, successes desc, requests desc, method, path limit ${MAX_COUNTS}`
    const counts = rows.map((row) => ({ ...row, declared: row.kind === 'declared' }))
    return { counts, floor: rows.length < MAX_COUNTS ? 0 : rows.at(-1)!.successes }
  }

  async #nameIgnored(counts: readonly (EndpointCount & { kind: Folded['kind'] })[]): Promise<void> {
    for (const each of counts) {
      if (each.kind === 'ignored') await this.#named.name({ ...each, weight: 0, minutes: [] }, 'ignored')
    }
  }

  /** Those that have earned a name get one; what came before the range is rolled up again. */
  async #promote({ from }: TimeRange): Promise<void> {
    for (const candidate of this.#candidates.earned()) {
      const { kind } = this.#folding.fold(candidate.path)
      if (!(await this.#named.name(candidate, kind))) continue
      this.#candidates.remove(candidate)
      await recordRenamed(this.#sql, this.#table, rangesBefore(candidate, from))
    }
    await this.#save()
  }

  async #save(): Promise<void> {
    await this.#positions.save()
    await writeCandidates(this.#sql, this.#table, this.#candidates.takeChanges())
  }

  async #rememberPaths(): Promise<void> {
    const { count } = await this.#sql`
      insert into rollup_paths
      select new.method, new.path, endpoint, value_count > 0
      from rollup_new_paths new join rollup_unnamed folded using (no)
      join aegis_ml_rollup_endpoints named
        on traffic_table = ${this.#table} and named.method = folded.method and named.path = folded.template
      where state <> 'retired'`
    if (this.#known.add(count)) await this.#sql`analyze rollup_paths`
  }

  async #forgetPaths(): Promise<void> {
    await this.#sql`truncate rollup_paths`
    this.#known.clear()
  }
}

/** Endpoints of a chunk that are counted one by one. */
const MAX_COUNTS = 8_000

interface NewPath {
  readonly no: number
  readonly method: string
  readonly path: string
  readonly successes: number
  readonly first_ms: number
  readonly last_ms: number
}

function countOf({ method, path, first, last }: StoredEndpoint, successes: number): EndpointCount {
  const times = { firstMs: first?.getTime() ?? 0, lastMs: last?.getTime() ?? 0 }
  // It has had a name, so it has earned it: as if by two clients.
  return {
    method,
    path,
    requests: successes,
    successes,
    notFound: 0,
    probes: 0,
    firstClient: 0,
    lastClient: 1,
    ...times,
  }
}
