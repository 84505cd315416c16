import type { Sql } from 'postgres'
import type { AnomalyType, Severity } from '../../models/anomaly/verdict.js'
import type { IncidentState } from './incidents.js'

export interface OpenIncidents {
  readonly type: AnomalyType
  readonly severity: Severity
  readonly state: Extract<IncidentState, 'open' | 'acknowledged'>
  readonly count: number
}

/** Incidents that go on and that nobody has resolved or called false. */
export async function countOpenIncidents(sql: Sql): Promise<OpenIncidents[]> {
  const rows = await sql<OpenIncidents[]>`
    select type, severity, state, count(*)::int as count from aegis_ml_incidents
    where ended_at is null and state in ('open', 'acknowledged') group by type, severity, state`
  return [...rows]
}

export interface WaitingNotifications {
  readonly channel: string
  readonly count: number
  /** Of the oldest, since it was queued. */
  readonly seconds: number
}

/** Notifications that have not arrived yet, by receiver. */
export async function countWaitingNotifications(sql: Sql): Promise<WaitingNotifications[]> {
  const rows = await sql<WaitingNotifications[]>`
    select channel, count(*)::int as count, extract(epoch from now() - min(created_at))::float8 as seconds
    from aegis_ml_notifications where due_at is not null and state = 'pending' group by channel`
  return [...rows]
}

/** Up to where the rollups of the request log are complete; null before the first. */
export async function newestRollup(sql: Sql): Promise<Date | null> {
  const [row] = await sql<{ to: Date | null }[]>`select max(rolled_to) as to from aegis_ml_rollup_state`
  return row?.to ?? null
}
