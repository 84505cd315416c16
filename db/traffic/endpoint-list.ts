import type { ISql, PendingQuery, Row, Sql } from 'postgres'
import type { KnownEndpoint } from '../../models/optimizer/recommend.js'
import { isTableUnusable } from '../errors.js'
import { OTHER } from './endpoints.js'
import type { TrafficTable } from './table.js'

export interface ListedEndpoint {
  /** Empty where all methods are meant. */
  readonly method: string
  /** A template; of what is ignored, the pattern. */
  readonly path: string
  readonly state: KnownEndpoint['state']
  readonly firstSeen: Date
  readonly lastSeen: Date
  readonly requests: number
  /** 0…1; null without requests. */
  readonly errorShare: number | null
}

export interface EndpointFilter {
  /** Figures of named endpoints are those from here on; what was not seen since is left out. */
  readonly from: Date
  readonly state: KnownEndpoint['state'] | null
  readonly prefix: string
  readonly minRequests: number
  readonly sort: 'requests' | 'name' | 'last_seen' | 'error_share'
  readonly limit: number
  readonly offset: number
}

const ORDERS: Record<EndpointFilter['sort'], string> = {
  requests: 'requests desc',
  name: 'path collate "C"',
  last_seen: '"lastSeen" desc',
  error_share: '"errorShare" desc nulls last',
}

/**
 * Every endpoint that is known: those with a name, and the candidates that are counted without one. An endpoint that
 * lost its name is `other`. See isAttackPath of models/traffic/endpoint-candidates.ts for `attack`.
 */
function knownEndpoints(sql: ISql, table: TrafficTable, from: Date): PendingQuery<Row[]> {
  return sql`
    select method, path, case state when 'declared' then 'named' when 'retired' then 'other' else state end as state,
      first_seen as "firstSeen", last_seen as "lastSeen", requests, errors / requests as "errorShare",
      0::float8 as "notFound"
    from aegis_ml_rollup_endpoints join (
      select endpoint, sum(requests)::float8 as requests, sum(errors)::float8 as errors
      from aegis_ml_rollup_endpoint_minutes where traffic_table = ${table} and minute >= ${from} group by 1
    ) figures using (endpoint)
    where traffic_table = ${table} and endpoint <> ${OTHER} and last_seen is not null
      and (state <> 'retired' or not exists (
        select from aegis_ml_rollup_candidates again
        where again.traffic_table = ${table} and again.method = aegis_ml_rollup_endpoints.method
          and again.path = aegis_ml_rollup_endpoints.path
      ))
    union all
    select method, path, case when 2 * not_found > requests and 2 * probes >= not_found then 'attack' else 'other' end,
      first_seen, last_seen, requests, 1 - successes / requests, not_found
    from aegis_ml_rollup_candidates where traffic_table = ${table} and last_seen >= ${from} and requests > 0`
}

/** A page of the endpoints, and how many there are. From the rollups as they are. */
export async function listEndpoints(
  sql: Sql,
  table: TrafficTable,
  filter: EndpointFilter,
): Promise<{ endpoints: ListedEndpoint[]; total: number }> {
  const { from, state, prefix, minRequests, sort, limit, offset } = filter
  const matching = sql`
    from (${knownEndpoints(sql, table, from)}) known
    where (${state}::text is null or state = ${state}) and left(path, ${[...prefix].length}) = ${prefix}
      and requests >= ${minRequests}`
  const [count] = await sql<[{ total: number }]>`select count(*)::int as total ${matching}`
  const endpoints = await sql<ListedEndpoint[]>`
    select method, path, state, "firstSeen", "lastSeen", requests, "errorShare" ${matching}
    order by ${sql.unsafe(ORDERS[sort])}, path collate "C", method collate "C" limit ${limit} offset ${offset}`
  return { endpoints: [...endpoints], total: count.total }
}

/** Whether no endpoint at all was seen since. */
export async function isWithoutEndpoints(sql: Sql, table: TrafficTable, from: Date): Promise<boolean> {
  return (await sql`select from (${knownEndpoints(sql, table, from)}) known limit 1`).length === 0
}

/** What the last week tells of an endpoint that no model has; null where it was not seen, or there are no rollups. */
export async function findWithoutProfile(
  sql: Sql,
  table: TrafficTable,
  { method, path }: { readonly method: string; readonly path: string },
): Promise<KnownEndpoint | null> {
  try {
    const [reach] = await sql<{ from: Date }[]>`
      select rolled_to - interval '7 days' as from from aegis_ml_rollup_state where traffic_table = ${table}`
    if (reach === undefined) return null
    const rows = await sql<{ state: KnownEndpoint['state']; requests: number; notFound: number }[]>`
      select state, sum(requests)::float8 as requests, sum("notFound")::float8 as "notFound" from (${knownEndpoints(sql, table, reach.from)}) known
      where path = ${path} and (${method} = '' or method in (${method}, '')) group by 1`
    if (rows.length === 0) return null
    const requests = rows.reduce((sum, row) => sum + row.requests, 0)
    const state = (['named', 'ignored', 'other', 'attack'] as const).find((each) =>
      rows.some((row) => row.state === each),
    )
    const notFound = rows.reduce((sum, row) => sum + row.notFound, 0)
    return { state: state!, requests, isMissing: 2 * notFound > requests }
  } catch (error) {
    if (isTableUnusable(error)) return null
    throw error
  }
}
