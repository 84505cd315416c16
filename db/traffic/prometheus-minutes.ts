import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { PrometheusMinute } from '../../formats/prometheus/minutes.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import type { TrafficMinute } from '../../models/watch/endpoint-minute.js'
import type { History } from '../../models/anomaly/regular-history.js'
import { LOCKS, tryLock } from '../lease.js'
import { openOwnConnection, type OwnConnection } from '../own-connection.js'
import { readFigures } from './rollups/minute-figures.js'
import type { TimeRange } from './rollups/times.js'

/** The right to fetch minutes from Prometheus. One replica has it at a time. */
export interface PrometheusLease {
  /** Up to where the source is fetched; null when it never was with these queries, or had no minutes. */
  fetchedTo(): Promise<Date | null>
  /** Stores minutes, in place of earlier ones of the same times, and how far the source is fetched now. */
  store(minutes: readonly PrometheusMinute[], fetchedTo: Date): Promise<void>
  /** Keeps the session from being ended while Prometheus is asked. */
  renew(): Promise<void>
  forgetBefore(time: Date): Promise<void>
  /** How many minutes there are from a time on. */
  minutesSince(time: Date): Promise<number>
}

export interface LeaseOptions {
  readonly source: string
  /** Identifies the queries and the server. With other ones the history is fetched again. */
  readonly queries: string
  readonly signal: AbortSignal
  /** Whether to wait for a replica that fetches now. */
  readonly wait: boolean
}

/** The server ends the session of a replica that hangs. One that asks Prometheus renews it before each question. */
const MAX_SILENCE = '10min'

const PAUSE_MS = 250

/**
 * Does the work with the right to fetch.
 * @returns undefined when another replica has that right, and the caller does not wait
 */
export async function withPrometheusLease<T>(
  pool: Sql,
  options: LeaseOptions,
  work: (lease: PrometheusLease) => Promise<T>,
): Promise<T | undefined> {
  const { signal, wait } = options
  signal.throwIfAborted()
  const own = openOwnConnection(pool, {}, signal)
  try {
    await own.sql`select set_config(name, ${MAX_SILENCE}, false) from pg_settings
      where name in ('idle_session_timeout', 'idle_in_transaction_session_timeout')`
    while ((await tryLock(own.sql, LOCKS.prometheus)) === undefined) {
      if (!wait) return undefined
      await delay(PAUSE_MS, undefined, { signal })
    }
    return await work(leaseOf(own, options))
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    await own.close()
  }
}

function leaseOf({ sql, transaction }: OwnConnection, { source, queries }: LeaseOptions): PrometheusLease {
  return {
    async fetchedTo() {
      const [row] = await sql<{ time: Date }[]>`select fetched_to as time from aegis_ml_prometheus_state
        where source = ${source} and queries = ${queries}
          and exists (select from aegis_ml_prometheus_minutes where source = ${source})`
      return row?.time ?? null
    },
    store: (minutes, fetchedTo) =>
      transaction('isolation level read committed', async () => {
        await storeMinutes(sql, source, minutes)
        await sql`insert into aegis_ml_prometheus_state (source, queries, fetched_to)
          values (${source}, ${queries}, ${fetchedTo})
          on conflict (source) do update set queries = excluded.queries, fetched_to = excluded.fetched_to`
      }),
    async renew() {
      await sql`select 1`
    },
    async forgetBefore(time) {
      await sql`delete from aegis_ml_prometheus_minutes where source = ${source} and minute < ${time}`
    },
    async minutesSince(time) {
      const [row] = await sql<
        [{ count: number }]
      >`select count(*)::int as count from aegis_ml_prometheus_minutes
        where source = ${source} and minute >= ${time}`
      return row.count
    },
  }
}

async function storeMinutes(sql: Sql, source: string, minutes: readonly PrometheusMinute[]): Promise<void> {
  const column = (value: (minute: PrometheusMinute) => number | null) => minutes.map(value)
  await sql`
    insert into aegis_ml_prometheus_minutes
    select ${source}, to_timestamp(ms / 1000), requests, errors, average, p95, p99
    from unnest(${column(({ timeMs }) => timeMs)}::float8[], ${column(({ requests }) => requests)}::float8[],
      ${column(({ errors }) => errors)}::float8[], ${column(({ avgLatency }) => avgLatency)}::float8[],
      ${column(({ p95Latency }) => p95Latency)}::float8[], ${column(({ p99Latency }) => p99Latency)}::float8[])
      fetched (ms, requests, errors, average, p95, p99)
    on conflict (source, minute) do update set requests = excluded.requests, errors = excluded.errors,
      latency_avg = excluded.latency_avg, latency_p95 = excluded.latency_p95, latency_p99 = excluded.latency_p99`
}

/** The newest fetched minute, and the oldest one that is newer than a time: when each ended, in ms since 1970. */
export async function lookAtPrometheus(
  sql: Sql,
  source: string,
  { nowMs, afterMs }: { readonly nowMs: number; readonly afterMs: number | null },
): Promise<{ readonly newestMs: number | null; readonly oldestNewMs: number | null }> {
  const after = afterMs === null ? null : new Date(afterMs)
  const [row] = await sql<[{ newest: Date | null; oldest: Date | null }]>`
    select max(minute) + interval '1 minute' as newest,
      min(minute) filter (where minute + interval '1 minute' > ${after}::timestamptz) + interval '1 minute' as oldest
    from aegis_ml_prometheus_minutes where source = ${source} and minute > ${new Date(nowMs - DAY_MS)}`
  return { newestMs: row.newest?.getTime() ?? null, oldestNewMs: row.oldest?.getTime() ?? null }
}

/** The fetched minutes of a range, in order of time. */
export async function prometheusTraffic(
  sql: Sql,
  source: string,
  { from, to }: TimeRange,
): Promise<({ readonly timeMs: number } & TrafficMinute)[]> {
  interface Row {
    readonly minute: Date
    readonly requests: number
    readonly failed: number
    readonly avg: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
  const rows = await sql<Row[]>`
    select minute, requests, errors as failed, latency_avg as avg, latency_p95 as p95, latency_p99 as p99
    from aegis_ml_prometheus_minutes where source = ${source} and minute >= ${from} and minute < ${to} order by minute`
  return rows.map(({ minute, requests, failed, avg, p95, p99 }) => ({
    ...{ timeMs: minute.getTime(), requests, failed },
    ...{ avgMs: avg ?? NaN, p95Ms: p95 ?? NaN, p99Ms: p99 ?? NaN },
  }))
}

/**
 * The figures of the fetched minutes of a range, as `minuteFigures` has them of the traffic table. A minute without
 * requests is known: its figures are 0. A latency that no minute of the range has is 0 in all of them, which the
 * detector takes as not recorded. A minute that lacks one that others have is left out.
 *
 * @param range whole minutes; to is not included
 */
export async function prometheusFigures(
  sql: Sql,
  source: string,
  range: TimeRange & { readonly exclude?: readonly TimeRange[] },
  signal: AbortSignal,
): Promise<History> {
  const { from, to } = range
  const [has] = await sql<[{ average: boolean; p95: boolean; p99: boolean }]>`
    select coalesce(bool_or(latency_avg is not null), false) as average,
      coalesce(bool_or(latency_p95 is not null), false) as p95,
      coalesce(bool_or(latency_p99 is not null), false) as p99
    from aegis_ml_prometheus_minutes where source = ${source} and minute >= ${from} and minute < ${to}`
  const minutes = sql`
    select minute, requests / 60 as rate, coalesce(latency_avg, 0) as average, coalesce(latency_p95, 0) as p95,
      coalesce(latency_p99, 0) as p99, case when requests > 0 then errors / requests else 0 end as error_rate
    from aegis_ml_prometheus_minutes
    where source = ${source} and (requests = 0 or not (${has.average} and latency_avg is null
      or ${has.p95} and latency_p95 is null or ${has.p99} and latency_p99 is null))`
  return readFigures(sql, minutes, range, signal)
}
