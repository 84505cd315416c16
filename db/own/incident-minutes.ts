import type { Sql } from 'postgres'
import { MARK_TOLERANCE_MS, NO_MARKS, type Marks } from '../../models/stream/comparison/marked-incidents.js'
import type { Series } from '../../models/incidents/series-minute.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { realIncidents, type TimeRange } from './real-incidents.js'
import { isTableUnusable, isValueUnusable } from '../errors.js'

/** More marks are not read. */
const MAX_MARKS = 100_000

/**
 * When surges were that a person marked as incidents (acknowledged or resolved), in order of time and without overlaps:
 * our incidents from their start to their end, and the minutes of other rows of the gateway's table of events, if that has
 * the columns.
 */
export async function incidentMinutes(sql: Sql, range: TimeRange): Promise<TimeRange[]> {
  const surges = await realIncidents(sql, range)
  const ours = surges.filter(({ type }) => type === 'traffic_spike' || type === 'multi_dimensional')
  return merged([...(await minutesOfEvents(sql, range)), ...ours])
}

function minutesOfEvents(sql: Sql, { from, to }: TimeRange): Promise<TimeRange[]> {
  return unlessForeign([], async () => {
    const rows = await sql<{ minute: Date }[]>`
      select distinct date_trunc('minute', detected_at) as minute from anomaly_events
      where detected_at >= ${from} and detected_at < ${to} and status::text in ('acknowledged', 'resolved')
        and anomaly_type::text in ('traffic_spike', 'multi_dimensional') and detected_at::timestamptz not in (${ownEndings(sql)})
      order by minute limit ${MAX_MARKS}`
    return rows.map(({ minute }) => ({ from: minute, to: new Date(minute.getTime() + MINUTE_MS) }))
  })
}

/** Ranges in order of time, those that touch together. */
function merged(ranges: readonly TimeRange[]): TimeRange[] {
  const found: TimeRange[] = []
  for (const { from, to } of [...ranges].sort((a, b) => a.from.getTime() - b.from.getTime())) {
    const last = found.at(-1)
    if (last === undefined || last.to < from) found.push({ from, to })
    else if (last.to < to) found[found.length - 1] = { from: last.from, to }
  }
  return found
}

/**
 * What people said about the alarms of a range, as minutes in ms since 1970, in any order: of our incidents marks from their
 * start to their end, and of other rows of the gateway's table of events, if that has the columns. Incidents of single
 * endpoints count by their first minute: there is more of them where the gateway as a whole has an alarm.
 */
export async function markedMinutes(sql: Sql, range: TimeRange): Promise<Marks> {
  const { incidentsMs, falsePositivesMs } = await marksOfEvents(sql, range)
  const isWhole = ({ series }: { readonly series: Series }) => series.kind !== 'endpoint'
  const real = (await realIncidents(sql, range)).filter(isWhole)
  const none = (await realIncidents(sql, range, 'false_positive')).filter(isWhole)
  const times = (marks: readonly number[], ranges: readonly TimeRange[]) =>
    [...new Set([...marks, ...ranges.flatMap(marksThrough)])].slice(0, MAX_MARKS)
  return { incidentsMs: times(incidentsMs, real), falsePositivesMs: times(falsePositivesMs, none) }
}

/** Marks from the first minute to the last, so near to each other that they belong to one incident. */
function marksThrough({ from, to }: TimeRange): number[] {
  const minuteOf = (timeMs: number) => Math.floor(timeMs / MINUTE_MS) * MINUTE_MS
  const first = minuteOf(from.getTime())
  const last = Math.max(first, minuteOf(to.getTime() - 1))
  const count = Math.ceil((last - first) / MARK_TOLERANCE_MS)
  return [...Array.from({ length: count }, (_, i) => first + i * MARK_TOLERANCE_MS), last]
}

function marksOfEvents(sql: Sql, { from, to }: TimeRange): Promise<Marks> {
  return unlessForeign(NO_MARKS, async () => {
    const rows = await sql<{ minute: Date; isIncident: boolean }[]>`
      select distinct date_trunc('minute', detected_at::timestamptz) as minute, status::text <> 'false_positive' as "isIncident"
      from anomaly_events
      where detected_at >= ${from} and detected_at < ${to}
        and status::text in ('acknowledged', 'resolved', 'false_positive') and detected_at::timestamptz not in (${ownEndings(sql)})
      order by minute desc limit ${MAX_MARKS}`
    const times = (isIncident: boolean) =>
      rows.filter((row) => row.isIncident === isIncident).map(({ minute }) => minute.getTime())
    return { incidentsMs: times(true), falsePositivesMs: times(false) }
  })
}

/** The times of incidents that ended by themselves: nobody marked them. */
function ownEndings(sql: Sql) {
  return sql`select event_at from aegis_ml_incidents
    where event_at is not null and state = 'resolved' and resolved_at is null and acknowledged_at is null`
}

/** What was read; nothing where the table has other columns, or other values in them, than the service knows. */
async function unlessForeign<T>(nothing: T, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (isTableUnusable(error) || isValueUnusable(error)) return nothing
    throw error
  }
}
