import type { Sql } from 'postgres'
import type { EndpointTraffic } from '../../models/incidents/rank-endpoints.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import type { TimeRange } from './rollups/times.js'
import type { TrafficTable } from './table.js'

/** The requests of a step of a range. Latencies are means of those of the minutes by requests; null where not known. */
export interface TrafficStep {
  readonly timeMs: number
  /** Minutes with requests. */
  readonly minutes: number
  readonly requests: number
  readonly failed: number
  readonly latencyMs: {
    readonly avg: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
}

interface Row extends Omit<TrafficStep, 'latencyMs' | 'timeMs'> {
  readonly at: Date
  readonly avg: number | null
  readonly p95: number | null
  readonly p99: number | null
}

const EPOCH = `timestamptz '1970-01-01 00:00:00+00'`

const FIGURES = `
  count(distinct minute)::float8 as minutes, sum(requests)::float8 as requests, sum(errors)::float8 as failed,
  sum(latency_sum)::float8 / nullif(sum(latencies), 0) as avg,
  sum(latency_p95 * latencies) / nullif(sum(latencies) filter (where latency_p95 is not null), 0) as p95,
  sum(latency_p99 * latencies) / nullif(sum(latencies) filter (where latency_p99 is not null), 0) as p99`

/**
 * The traffic of the whole gateway, or of an endpoint (`GET /orders/{id}`, or `/orders/{id}` with all its methods), from
 * the rollups, in steps of whole minutes that are aligned to the UTC epoch. Steps without requests are left out.
 */
export async function trafficSteps(
  sql: Sql,
  table: TrafficTable,
  endpoint: string | null,
  { from, to }: TimeRange,
  stepSeconds: number,
): Promise<TrafficStep[]> {
  const step = sql`date_bin(${`${stepSeconds} seconds`}::interval, minute, ${sql.unsafe(EPOCH)}) as at`
  const inRange = sql`traffic_table = ${table} and minute >= ${from} and minute < ${to}`
  const rows =
    endpoint === null
      ? await sql<Row[]>`
          select ${step}, ${sql.unsafe(FIGURES)} from aegis_ml_rollup_minutes where ${inRange} group by 1 order by 1`
      : await sql<Row[]>`
          select ${step}, ${sql.unsafe(FIGURES)} from aegis_ml_rollup_endpoint_minutes
          where ${inRange} and endpoint in (${numbersOf(sql, table, endpoint)}) group by 1 order by 1`
  return rows.map(({ at, avg, p95, p99, ...rest }) => ({
    timeMs: at.getTime(),
    latencyMs: { avg, p95, p99 },
    ...rest,
  }))
}

function numbersOf(sql: Sql, table: TrafficTable, endpoint: string) {
  const { method, path } = splitEndpoint(endpoint)
  return sql`select endpoint from aegis_ml_rollup_endpoints
    where traffic_table = ${table} and path = ${path} ${method === '' ? sql`` : sql`and method = ${method}`}`
}

/** The endpoints that have had requests since a time, the newest first: what a watcher judges. */
export async function watchedEndpoints(
  sql: Sql,
  table: TrafficTable,
  since: Date,
  limit: number,
): Promise<{ readonly endpoint: string; readonly at: Date }[]> {
  return sql<{ endpoint: string; at: Date }[]>`
    select case method when '' then path else method || ' ' || path end as endpoint, last_seen as at
    from aegis_ml_rollup_endpoints
    where traffic_table = ${table} and state in ('named', 'declared') and endpoint <> 0 and last_seen >= ${since}
    order by last_seen desc, endpoint limit ${limit}`
}

/** Up to where the rollups of the table reach; undefined without any. */
export async function rolledUpTo(sql: Sql, table: TrafficTable): Promise<Date | undefined> {
  const [row] = await sql<{ to: Date }[]>`
    select rolled_to as to from aegis_ml_rollup_state where traffic_table = ${table}`
  return row?.to
}

/** The traffic of each named endpoint in a range of whole minutes, from the rollups. */
export async function endpointTraffic(
  sql: Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
): Promise<EndpointTraffic[]> {
  const minutes = (to.getTime() - from.getTime()) / MINUTE_MS
  const rows = await sql<Omit<EndpointTraffic, 'minutes'>[]>`
    select case method when '' then path else method || ' ' || path end as endpoint, sum(requests)::float8 as requests,
      sum(errors)::float8 as failed, sum(latency_sum)::float8 / nullif(sum(latencies), 0) as "latencyMs"
    from aegis_ml_rollup_endpoint_minutes join aegis_ml_rollup_endpoints using (traffic_table, endpoint)
    where traffic_table = ${table} and minute >= ${from} and minute < ${to} and state in ('named', 'declared')
      and endpoint <> 0
    group by 1`
  return rows.map((row) => ({ ...row, minutes }))
}
