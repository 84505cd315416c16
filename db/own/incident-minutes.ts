import type { Sql } from 'postgres'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { isTableUnusable } from '../errors.js'

interface TimeRange {
  readonly from: Date
  readonly to: Date
}

/**
 * The minutes of a range in which a person marked a surge as an incident (acknowledged or resolved). Empty when the
 * gateway's table of events has other columns.
 */
export async function incidentMinutes(sql: Sql, { from, to }: TimeRange): Promise<TimeRange[]> {
  try {
    const rows = await sql<{ minute: Date }[]>`
      select distinct date_trunc('minute', detected_at) as minute from anomaly_events events
      where detected_at >= ${from} and detected_at < ${to} and status in ('acknowledged', 'resolved')
        and anomaly_type in ('traffic_spike', 'multi_dimensional')
        and not exists (select from aegis_ml_incidents incidents -- it ended by itself
          where event_id = events.id::text and event_at = detected_at and state = 'resolved'
            and incidents.resolved_at is null and incidents.acknowledged_at is null)
      order by minute limit 100000`
    return rows.map(({ minute }) => ({ from: minute, to: new Date(minute.getTime() + MINUTE_MS) }))
  } catch (error) {
    if (isTableUnusable(error)) return []
    throw error
  }
}
