import type { Sql } from 'postgres'
import { limitChanges } from '../../db/own/limit-changes.js'
import type { IncidentChange } from '../../db/own/incidents.js'
import { requestsOfClient } from '../../db/traffic/incident-requests.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { AnomalyType } from '../../models/anomaly/verdict.js'
import {
  describeNewClient,
  describeRetryStorm,
  LIMIT_BEFORE_MS,
  maxSentBefore,
  newClientOf,
  startedByLimit,
  type FoundChange,
} from '../../models/incidents/change.js'
import type { BeforeAndDuring, Rise } from '../../models/incidents/culprits.js'
import { findRetryStorm } from '../../models/incidents/retry-storm.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'

export interface Places {
  readonly sql: Sql
  readonly trafficSql: Sql
  readonly table: TrafficTable
  readonly timeZone: string
}

/** What was looked up about an incident. */
export interface Evidence {
  readonly id: string
  readonly type: AnomalyType
  readonly endpoint: string | null
  readonly startedAt: Date
  readonly traffic: BeforeAndDuring
  readonly rise: Rise
  readonly clientName: (client: number) => string
}

/** A rule that was changed in the first minutes of an incident may have begun it: minutes are judged as a whole. */
const LIMIT_AFTER_MS = 5 * MINUTE_MS
const WEEK_MS = 7 * DAY_MS

/** A limit that was put in force shortly before the incident, or that answers its requests. */
export async function limitBefore(
  { sql, timeZone }: Places,
  { id, type, endpoint, startedAt, traffic }: Omit<Evidence, 'rise' | 'clientName'>,
): Promise<FoundChange | null> {
  const from = new Date(startedAt.getTime() - LIMIT_BEFORE_MS)
  const to = new Date(startedAt.getTime() + LIMIT_AFTER_MS)
  const changes = await limitChanges(sql, { from, to }, id)
  return startedByLimit(type, endpoint, traffic, changes, timeZone)
}

/** A new client, or else a retry storm. */
export async function clientChange(
  { trafficSql, table }: Places,
  { rise, traffic, startedAt, clientName }: Evidence,
  orUnknown: <T>(question: Promise<T>) => Promise<T | undefined>,
): Promise<FoundChange | null> {
  const suspect = newClientOf(rise, traffic)
  if (suspect !== null) {
    const name = clientName(suspect.client)
    const most = maxSentBefore(suspect) + 1
    const week = { from: new Date(startedAt.getTime() - WEEK_MS), to: startedAt }
    const sent = (await orUnknown(requestsOfClient(trafficSql, table, name, week, { most }))) ?? null
    if (sent === null || sent < most) return describeNewClient(name, suspect, rise, traffic, sent)
  }
  const storm = findRetryStorm(traffic)
  return storm && describeRetryStorm(storm)
}

export function toStoredChange({ kind, atMs, detail }: FoundChange): IncidentChange {
  return { kind, at: new Date(atMs).toISOString(), detail }
}
