import type { Sql } from 'postgres'
import { NO_MARKS, type Marks } from '../../models/stream/comparison/marked-incidents.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { isTableUnusable, isValueUnusable } from '../errors.js'

interface TimeRange {
  readonly from: Date
  readonly to: Date
}

/** More marks are not read. */
const MAX_MARKS = 100_000

/**
 * The minutes of a range in which a person marked a surge as an incident (acknowledged or resolved), the oldest first. Empty
 * when the gateway's table of events has other columns.
 */
export async function incidentMinutes(sql: Sql, { from, to }: TimeRange): Promise<TimeRange[]> {
  return unlessForeign([], async () => {
    const rows = await sql<{ minute: Date }[]>`
      select distinct date_trunc('minute', detected_at) as minute from anomaly_events
      where detected_at >= ${from} and detected_at < ${to} and status::text in ('acknowledged', 'resolved')
        and anomaly_type::text in ('traffic_spike', 'multi_dimensional')
      order by minute limit ${MAX_MARKS}`
    return rows.map(({ minute }) => ({ from: minute, to: new Date(minute.getTime() + MINUTE_MS) }))
  })
}

/**
 * What people said about the alarms of a range, as minutes in ms since 1970, the newest first. Empty when the gateway's table
 * of events is missing or has other columns.
 */
export async function markedMinutes(sql: Sql, { from, to }: TimeRange): Promise<Marks> {
  return unlessForeign(NO_MARKS, async () => {
    const rows = await sql<{ minute: Date; isIncident: boolean }[]>`
      select distinct date_trunc('minute', detected_at::timestamptz) as minute, status::text <> 'false_positive' as "isIncident"
      from anomaly_events
      where detected_at >= ${from} and detected_at < ${to}
        and status::text in ('acknowledged', 'resolved', 'false_positive')
      order by minute desc limit ${MAX_MARKS}`
    const times = (isIncident: boolean) =>
      rows.filter((row) => row.isIncident === isIncident).map(({ minute }) => minute.getTime())
    return { incidentsMs: times(true), falsePositivesMs: times(false) }
  })
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
