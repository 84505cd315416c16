import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled, isTableUnusable } from '../../db/errors.js'
import { TrafficTableError } from '../../db/traffic/columns.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { topClients, type TopClients } from '../../db/traffic/incident-requests.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { Incident } from '../../models/incidents/incident.js'
import { HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'

/** An incident of a scan. Clients are those of its first hour; their number is null where they are not known. */
export type ScannedIncident = Incident & {
  readonly clients: TopClients['clients']
  readonly clientCount: number | null
}

interface ClientsOptions {
  readonly sql: Sql
  /** The database that has the log. */
  readonly trafficSql: Sql
  readonly ipv6Prefix: number
}

/** The newest incidents have their clients, as far as the log tells them within this time. */
const MAX_INCIDENTS = 50
const MAX_MS = 10_000

/** An endpoint with at least this share of the harm is the one to look at. */
const MIN_SHARE = 0.5

/** The incidents with their busiest clients. */
export async function withClients(
  { sql, trafficSql, ipv6Prefix }: ClientsOptions,
  table: TrafficTable,
  incidents: readonly Incident[],
  signal: AbortSignal,
): Promise<ScannedIncident[]> {
  const endMs = performance.now() + MAX_MS
  const folding = await readFolding(sql, table)
  const known: ScannedIncident[] = []
  for (const incident of incidents) {
    signal.throwIfAborted()
    const maxMs = Math.floor(endMs - performance.now())
    const asking = { folding, ipv6Prefix, signal, maxMs }
    const isAsked = known.length < MAX_INCIDENTS && maxMs > 0
    const found = isAsked
      ? await topClients(trafficSql, table, rangeOf(incident), asking).catch(unanswered)
      : null
    // A part of the clients is better than none, but not as a number of them.
    known.push({
      ...incident,
      clients: found?.clients ?? [],
      clientCount: found?.isComplete ? found.count : null,
    })
  }
  return known
}

function rangeOf({ startedMs, endedMs, peak, endpoints }: Incident) {
  const toMs = Math.min(endedMs ?? peak.timeMs + MINUTE_MS, startedMs + HOUR_MS)
  const [first] = endpoints
  const endpoint = first !== undefined && first.share >= MIN_SHARE ? first.endpoint : null
  return { from: new Date(startedMs), to: new Date(Math.max(toMs, startedMs + MINUTE_MS)), endpoint }
}

function unanswered(error: unknown): null {
  const isTable = error instanceof TrafficTableError || isTableUnusable(error)
  if (isTable || isStatementCancelled(error) || isDatabaseAway(error)) return null
  throw error
}
