import type { ISql } from 'postgres'
import type { AnomalyType } from '../../models/anomaly/verdict.js'
import type { Series } from '../../models/incidents/series-minute.js'

export interface TimeRange {
  readonly from: Date
  /** Not included. */
  readonly to: Date
}

/** An incident within a range, and what people said about it. */
interface DecidedIncident extends TimeRange {
  readonly series: Series
  readonly type: AnomalyType
  readonly endpoints: readonly { readonly endpoint: string; readonly startedMs: number }[]
}

/** More incidents are not read. */
const MAX_INCIDENTS = 10_000

/**
 * The incidents of a range that people acknowledged or resolved, or of which they said that they were none, in order of time.
 * They are cut to the range. What goes on lasts until now.
 */
export async function realIncidents(
  sql: ISql,
  { from, to }: TimeRange,
  said: 'real' | 'false_positive' = 'real',
): Promise<DecidedIncident[]> {
  const decided =
    said === 'false_positive'
      ? sql`state = 'false_positive'`
      : sql`(state = 'acknowledged' or state = 'resolved' and coalesce(acknowledged_at, resolved_at) is not null)`
  const rows = await sql<DecidedIncident[]>`
    select greatest(started_at, ${from}) as "from", least(coalesce(ended_at, now()), ${to}) as "to", type, endpoints,
      jsonb_build_object('kind', series_kind, 'name', series_name) as series
    from aegis_ml_incidents
    where ${decided} and started_at < ${to} and coalesce(ended_at, now()) > ${from}
    order by started_at desc, id desc limit ${MAX_INCIDENTS}`
  return rows.reverse()
}

/**
 * When each endpoint had an incident that people acknowledged or resolved: what a model of the endpoint does not learn. By
 * endpoint, in order of time; ranges may overlap. An endpoint is affected from the time that the incident says until the end
 * of the incident.
 */
export async function markedEndpointRanges(sql: ISql, range: TimeRange): Promise<Map<string, TimeRange[]>> {
  const ranges = new Map<string, TimeRange[]>()
  for (const { series, endpoints, from, to } of await realIncidents(sql, range)) {
    const named = new Map(endpoints.map(({ endpoint, startedMs }) => [endpoint, startedMs]))
    if (series.kind === 'endpoint' && !named.has(series.name)) named.set(series.name, from.getTime())
    for (const [endpoint, startedMs] of named) {
      const since = new Date(Math.max(from.getTime(), startedMs))
      if (since >= to) continue
      const others = ranges.get(endpoint)
      if (others) others.push({ from: since, to })
      else ranges.set(endpoint, [{ from: since, to }])
    }
  }
  return ranges
}
