import type { Sql } from 'postgres'
import type { Candidate } from '../../../models/traffic/endpoint-candidates.js'
import type { TrafficTable } from '../table.js'

interface StoredCandidate extends Omit<Candidate, 'firstMs' | 'lastMs'> {
  readonly first: Date
  readonly last: Date
}

/** The endpoints of a table that have no name yet. */
export async function readCandidates(sql: Sql, table: TrafficTable): Promise<Candidate[]> {
  const rows = await sql<StoredCandidate[]>`
    select method, path, weight, requests, successes, not_found as "notFound", probes, first_client as "firstClient",
      last_client as "lastClient", first_seen as first, last_seen as last, minutes
    from aegis_ml_rollup_candidates where traffic_table = ${table} order by method, path`
  return rows.map(({ first, last, ...row }) => ({ ...row, firstMs: first.getTime(), lastMs: last.getTime() }))
}

/** @param changes by key; undefined: it is gone */
export async function writeCandidates(
  sql: Sql,
  table: TrafficTable,
  changes: ReadonlyMap<string, Candidate | undefined>,
): Promise<void> {
  if (changes.size === 0) return
  const keys = [...changes.keys()]
  await sql`
    delete from aegis_ml_rollup_candidates
    where traffic_table = ${table} and method || ' ' || path = any(${keys}::text[])`
  const rows = [...changes.values()].flatMap((each) => (each === undefined ? [] : [stored(table, each)]))
  for (let i = 0; i < rows.length; i += 2_000) {
    await sql`insert into aegis_ml_rollup_candidates ${sql(rows.slice(i, i + 2_000))}`
  }
}

function stored(table: TrafficTable, each: Candidate) {
  return {
    traffic_table: table,
    method: each.method,
    path: each.path,
    weight: each.weight,
    requests: each.requests,
    successes: each.successes,
    not_found: each.notFound,
    probes: each.probes,
    first_client: each.firstClient,
    last_client: each.lastClient,
    first_seen: new Date(each.firstMs),
    last_seen: new Date(each.lastMs),
    minutes: each.minutes as number[],
  }
}
