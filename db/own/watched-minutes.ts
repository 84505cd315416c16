import type { ISql, JSONValue, Sql } from 'postgres'
import { FEATURES, type Feature } from '../../models/anomaly/features.js'
import type { AnomalyType, Severity } from '../../models/anomaly/verdict.js'
import type { Series, SeriesAlarm, SeriesMinute } from '../../models/incidents/series-minute.js'
import { DAY_MS, HOUR_MS } from '../../models/traffic/durations.js'
import { LOCK_SPACE, LOCKS } from '../lease.js'

/** A value for each of FEATURES; null where nothing was expected. */
export type Band = readonly (number | null)[]

/** A judged minute of a series. */
export interface WatchedMinute {
  readonly series: Series
  readonly timeMs: number
  readonly seconds: number
  readonly requests: number
  readonly failed: number
  /** Null where not known. */
  readonly latencyMs: {
    readonly avg: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
  readonly expected: Band
  readonly lower: Band
  readonly upper: Band
  readonly anomaly: boolean
  readonly type: AnomalyType | null
  readonly severity: Severity | null
  /** Null outside an alarm. */
  readonly alarm: SeriesAlarm | null
  /** A newer minute of the series was judged before: a row of this one stays as it is. */
  readonly isLate?: boolean
}

/** Rows of a statement. */
const PAGE = 500

/** Stores judged minutes, in place of earlier ones of the same times. */
export async function storeWatchedMinutes(sql: ISql, minutes: readonly WatchedMinute[]): Promise<void> {
  for (const isLate of [false, true]) {
    const some = minutes.filter((each) => (each.isLate ?? false) === isLate)
    for (let at = 0; at < some.length; at += PAGE) await storePage(sql, some.slice(at, at + PAGE), isLate)
  }
}

async function storePage(sql: ISql, minutes: readonly WatchedMinute[], isLate: boolean): Promise<void> {
  const rows = minutes.map(({ series, timeMs, latencyMs, expected, lower, upper, alarm, ...rest }) => ({
    series_kind: series.kind,
    series_name: series.name,
    minute: new Date(timeMs),
    ...{ seconds: rest.seconds, requests: rest.requests, failed: rest.failed },
    ...{ latency_avg: latencyMs.avg, latency_p95: latencyMs.p95, latency_p99: latencyMs.p99 },
    ...{ expected: floats(expected), lower: floats(lower), upper: floats(upper) },
    ...{ anomaly: rest.anomaly, type: rest.type, severity: rest.severity },
    alarm: alarm && sql.json(alarm as unknown as JSONValue),
  }))
  const replaced = sql`update set seconds = excluded.seconds, requests = excluded.requests, failed = excluded.failed,
    latency_avg = excluded.latency_avg, latency_p95 = excluded.latency_p95, latency_p99 = excluded.latency_p99,
    expected = excluded.expected, lower = excluded.lower, upper = excluded.upper, anomaly = excluded.anomaly,
    type = excluded.type, severity = excluded.severity, alarm = excluded.alarm`
  await sql`
    insert into aegis_ml_watched_minutes ${sql(rows as never)}
    on conflict (series_kind, series_name, minute) do ${isLate ? sql`nothing` : replaced}`
}

/** An array of float4 as PostgreSQL reads it. */
const floats = (values: Band) =>
  `{${values.map((value) => (value === null ? 'null' : Math.fround(value))).join(',')}}`

interface TimeRange {
  readonly from: Date
  /** Not included. */
  readonly to: Date
}

/** The judged minutes of a step, together: latencies by requests, bands on average, the verdict of the severest minute. */
export type WatchedStep = Omit<WatchedMinute, 'series' | 'isLate' | 'alarm'>

const ofLatency = (column: string) =>
  `sum(${column} * greatest(requests, 1e-9)) filter (where ${column} is not null)
    / sum(greatest(requests, 1e-9)) filter (where ${column} is not null)`
const ofBand = (column: string) =>
  `array[${[1, 2, 3, 4, 5].map((i) => `avg(${column}[${i}])::float4`).join()}]`
const severest = (column: string) =>
  `(array_agg(${column} order by array_position(array['low', 'medium', 'high', 'critical'], severity) desc nulls last))[1]`

/** The columns of a step after its beginning, in the order of the table. */
const STEP = `
  sum(seconds)::float4 as seconds, sum(requests) as requests, sum(failed) as failed,
  (${ofLatency('latency_avg')})::float4 as latency_avg, (${ofLatency('latency_p95')})::float4 as latency_p95,
  (${ofLatency('latency_p99')})::float4 as latency_p99, ${ofBand('expected')} as expected,
  ${ofBand('lower')} as lower, ${ofBand('upper')} as upper, bool_or(anomaly) as anomaly,
  ${severest('type')} as type, ${severest('severity')} as severity`

const EPOCH = `timestamptz '1970-01-01 00:00:00+00'`

/** The judged minutes of a series in steps of a whole number of minutes, aligned to the UTC epoch, in order of time. */
export async function watchedSteps(
  sql: Sql,
  { kind, name }: Series,
  { from, to }: TimeRange,
  stepSeconds: number,
): Promise<WatchedStep[]> {
  interface Row extends Omit<WatchedStep, 'latencyMs' | 'timeMs'> {
    readonly at: Date
    readonly latency_avg: number | null
    readonly latency_p95: number | null
    readonly latency_p99: number | null
  }
  const rows = await sql<Row[]>`
    select date_bin(${`${stepSeconds} seconds`}::interval, minute, ${sql.unsafe(EPOCH)}) as at, ${sql.unsafe(STEP)}
    from aegis_ml_watched_minutes
    where series_kind = ${kind} and series_name = ${name} and minute >= ${from} and minute < ${to}
    group by 1 order by 1`
  return rows.map(({ at, latency_avg: avg, latency_p95: p95, latency_p99: p99, ...rest }) => ({
    timeMs: at.getTime(),
    latencyMs: { avg, p95, p99 },
    ...rest,
  }))
}

/** The newest minute of a source that reports. */
export interface ReportingSource {
  readonly source: string
  readonly at: Date
  readonly seconds: number
  readonly anomaly: boolean
}

/** The sources that have reported since a time, by name; at most 1,000. */
export async function reportingSources(sql: Sql, since: Date): Promise<ReportingSource[]> {
  // From one name to the next through the primary key: all rows of a source are not read.
  return sql<ReportingSource[]>`
    with recursive names (name) as (
      (select series_name from aegis_ml_watched_minutes where series_kind = 'source' order by series_name limit 1)
      union all
      select (select series_name from aegis_ml_watched_minutes
        where series_kind = 'source' and series_name > name order by series_name limit 1)
      from names where name is not null
    )
    select name as source, newest.* from names, lateral (
      select minute as at, seconds, anomaly from aegis_ml_watched_minutes
      where series_kind = 'source' and series_name = name order by minute desc limit 1
    ) newest where at >= ${since} order by name limit 1000`
}

/** The newest judged minute of the gateway; undefined when it is not watched. */
export async function newestOfGateway(sql: Sql): Promise<ReportingSource | undefined> {
  const [row] = await sql<ReportingSource[]>`
    select '' as source, minute as at, seconds, anomaly from aegis_ml_watched_minutes
    where series_kind = 'gateway' and series_name = '' order by minute desc limit 1`
  return row
}

/** An alarm that is stored so long after the end of its report is no longer news. */
const MAX_LATE = '10 minutes'
/** Older minutes are not looked through: reports that are longer are in time only if they name no start. */
const MAX_AGE = '70 minutes'

/**
 * The minutes of sources in alarm that are in no incident yet, in order of time: those of a range, and those of earlier
 * minutes that were reported late. At most {@link MAX_ALARMS}.
 */
export async function newAlarmsOfSources(sql: Sql, { from, to }: TimeRange): Promise<SeriesMinute[]> {
  interface Row {
    readonly name: string
    readonly minute: Date
    readonly seconds: number
    readonly requests: number
    readonly failed: number
    readonly latency: number | null
    readonly expected: readonly (number | null)[]
    readonly alarm: SeriesAlarm
  }
  const rows = await sql<Row[]>`
    select series_name as name, minute, seconds, requests, failed, latency_avg as latency, expected, alarm
    from aegis_ml_watched_minutes
    where series_kind = 'source' and alarm is not null and not alarm ? 'isEntered' and minute < ${to}
      and minute > ${from}::timestamptz - ${MAX_AGE}::interval
      and (minute >= ${from} or minute + seconds * interval '1 second' > ${from}::timestamptz - ${MAX_LATE}::interval)
    order by minute, series_name limit ${MAX_ALARMS}`
  return rows.map(({ name, minute, seconds, requests, failed, latency, expected, alarm }) => ({
    series: { kind: 'source', name },
    timeMs: minute.getTime(),
    ...{ seconds, requests, failed, latencyMs: latency, alarm },
    expected: {
      requests: valueOf(expected, 'requests_per_second') * seconds,
      failed: valueOf(expected, 'error_rate') * requests,
      latencyMs: expected[FEATURES.indexOf('avg_latency_ms')] ?? null,
    },
  }))
}

const MAX_ALARMS = 10_000

/** Remembers that minutes of sources are in an incident, or in none because of what people said. */
export async function enterAlarmsOfSources(sql: ISql, minutes: readonly AlarmPlace[]): Promise<void> {
  if (minutes.length === 0) return
  const names = minutes.map(({ source }) => source)
  const times = minutes.map(({ timeMs }) => new Date(timeMs).toISOString())
  await sql`
    update aegis_ml_watched_minutes set alarm = alarm || '{"isEntered": true}'
    from unnest(${names}::text[], ${times}::text[]) entered (source, at)
    where series_kind = 'source' and series_name = source and minute = at::timestamptz and alarm is not null`
}

/** A minute of a source. */
export interface AlarmPlace {
  readonly source: string
  readonly timeMs: number
}

const valueOf = (values: Band, feature: Feature) => values[FEATURES.indexOf(feature)] ?? 0

/** Whether a source has reported since a time. */
export async function hasReports(sql: Sql, since: Date): Promise<boolean> {
  const rows = await sql`
    select from aegis_ml_watched_minutes where series_kind = 'source' and minute >= ${since} limit 1`
  return rows.count > 0
}

/** Rows are kept as minutes for this time. */
const FINE_MS = 7 * DAY_MS
const COARSE_SECONDS = 900
/** So much is thinned out in a transaction. */
const CHUNK_MS = 6 * HOUR_MS

/**
 * Deletes the watched minutes that are too old, and makes quarter hours of those older than a week. One replica at a
 * time; the others leave it to that one.
 */
export async function thinOutWatchedMinutes(sql: Sql, nowMs: number, retentionMs: number): Promise<void> {
  for (let isDone = false; !isDone;) {
    isDone = await sql.begin(async (tx) => {
      const [row] = await tx<[{ taken: boolean }]>`
        select pg_try_advisory_xact_lock(${LOCK_SPACE}, ${LOCKS.watchedMinutes}) as taken`
      if (!row.taken) return true
      await tx`delete from aegis_ml_watched_minutes where minute < ${new Date(nowMs - retentionMs)}`
      return !(await thinOutChunk(tx, nowMs))
    })
  }
}

/** @returns whether there may be more */
async function thinOutChunk(tx: ISql, nowMs: number): Promise<boolean> {
  const coarseMs = COARSE_SECONDS * 1000
  const limitMs = Math.floor((nowMs - FINE_MS) / coarseMs) * coarseMs
  const [oldest] = await tx<{ minute: Date }[]>`
    select minute from aegis_ml_watched_minutes where not is_coarse and minute < ${new Date(limitMs)}
    order by minute limit 1`
  if (oldest === undefined) return false
  const fromMs = Math.floor(oldest.minute.getTime() / coarseMs) * coarseMs
  const toMs = Math.min(fromMs + CHUNK_MS, limitMs)
  // Those that are coarse already are taken up too: a late minute may belong to one of them.
  await tx`
    with fine as (
      delete from aegis_ml_watched_minutes where minute >= ${new Date(fromMs)} and minute < ${new Date(toMs)} returning *
    ), coarse as (
      select series_kind, series_name, date_bin('900 seconds', minute, ${tx.unsafe(EPOCH)}) as minute, ${tx.unsafe(STEP)}
      from fine group by 1, 2, 3
    )
    insert into aegis_ml_watched_minutes
    select *, true from coarse`
  return true
}
