import type { ISql } from 'postgres'
import type { AnomalyType, Severity } from '../../models/anomaly/verdict.js'
import { MAX_NAMED } from '../../models/incidents/describe.js'
import { deviationOfImpact } from '../../models/incidents/deviation-of-impact.js'
import { deviationsOf, type Deviation } from '../../models/incidents/feedback.js'
import type { Series, SeriesMinute } from '../../models/incidents/series-minute.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import type { StoredIncident } from './incidents.js'

/** More minutes of an incident are not read. */
const MAX_MINUTES = 20_000

/** More series of an incident are not remembered. */
const MAX_SERIES = 200

/**
 * How the series of an incident deviated in their minutes with an alarm. An incident that names as many endpoints as it can
 * has more: all endpoints with an alarm at that time are taken for its own. Without such minutes, the figures of the
 * incident tell of its own series.
 */
export async function incidentDeviations(
  sql: ISql,
  incident: StoredIncident,
  now: Date,
): Promise<readonly Deviation[]> {
  const minutes = await alarmedMinutes(sql, incident, incident.endedAt ?? now)
  const found = deviationsOf(minutes).slice(0, MAX_SERIES)
  if (found.length > 0) return found
  const endedMs = (incident.endedAt ?? now).getTime()
  const byImpact = deviationOfImpact({ ...incident, startedMs: incident.startedAt.getTime() }, endedMs)
  return byImpact === null ? [] : [byImpact]
}

interface Row {
  readonly kind: Series['kind']
  readonly name: string
  readonly at: Date
  readonly seconds: number
  readonly requests: number
  readonly failed: number
  readonly latencyMs: number | null
  /** Per second. */
  readonly usualRate: number | null
  readonly usualMs: number | null
  readonly usualErrors: number | null
  readonly type: AnomalyType
  readonly severity: Severity
}

/** The stored minutes with an alarm of the series of an incident, in order of time. */
async function alarmedMinutes(
  sql: ISql,
  { series, endpoints, startedAt }: StoredIncident,
  end: Date,
): Promise<SeriesMinute[]> {
  const names = endpoints.map(({ endpoint }) => endpoint)
  const named = names.length >= MAX_NAMED ? sql`true` : sql`series_name = any(${names})`
  const isWhole = series.kind === 'gateway'
  // A quarter hour of older days may have begun before the incident.
  const rows = await sql<Row[]>`
    select series_kind as kind, series_name as name, minute as at, seconds, requests, failed,
      latency_avg as "latencyMs", expected[1] as "usualRate", expected[2] as "usualMs", expected[5] as "usualErrors",
      type, severity
    from aegis_ml_watched_minutes
    where minute > ${startedAt}::timestamptz - interval '15 minutes' and minute < ${end}
      and (is_coarse or minute >= ${startedAt}) and (alarm is not null or is_coarse and anomaly) and type is not null and severity is not null
      and (series_kind = ${series.kind} and series_name = ${series.name} or series_kind = 'endpoint' and ${named}
        or ${isWhole} and series_kind = 'source' and series_name = ${GATEWAY})
    order by minute, series_kind, series_name limit ${MAX_MINUTES}`
  if (!isWhole) return rows.map(toSeriesMinute)
  // Without a log, the reports of the default source are about the gateway.
  const hasOwn = rows.some(({ kind }) => kind === 'gateway')
  return rows
    .filter(({ kind }) => kind !== 'source' || !hasOwn)
    .map((row) => toSeriesMinute(row.kind === 'source' ? { ...row, ...series } : row))
}

function toSeriesMinute(row: Row): SeriesMinute {
  const { kind, name, at, seconds, requests, failed, latencyMs, usualRate, usualMs, usualErrors } = row
  const timeMs = at.getTime()
  const alarm = { type: row.type, severity: row.severity, sinceMs: timeMs, explanation: '' }
  return {
    ...{ series: { kind, name }, timeMs, seconds, requests, failed, latencyMs, alarm },
    expected: {
      requests: usualRate === null ? requests : usualRate * seconds,
      failed: (usualErrors ?? 0) * requests,
      latencyMs: usualMs,
    },
  }
}
