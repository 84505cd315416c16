import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled, isTableUnusable } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import type { IncidentDetails } from '../../db/own/incident-writes.js'
import type { StoredIncident } from '../../db/own/incidents.js'
import { TrafficTableError } from '../../db/traffic/columns.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { failingSamples, topClients, type FailedSample } from '../../db/traffic/incident-requests.js'
import { HOUR_MS } from '../../models/traffic/durations.js'
import type { CurrentTable } from '../traffic-table.js'

export interface InvestigateOptions {
  readonly sql: Sql
  /** The database that has the log. */
  readonly trafficSql: Sql
  readonly currentTable: CurrentTable
  readonly ipv6Prefix: number
  readonly log: Pick<Log, 'info'>
  readonly now: () => Date
}

/** Of a longer incident, the first hour tells who caused it. */
const MAX_RANGE_MS = HOUR_MS

/** An endpoint with at least this share of the harm is the one to look at. */
const MIN_SHARE = 0.5

/**
 * Looks up the clients and the failed requests of an incident in the request log. Each question ends after five seconds.
 * @returns what was found; nothing for a source, whose requests are not in the log
 */
export async function investigate(
  options: InvestigateOptions,
  incident: Pick<StoredIncident, 'id' | 'series' | 'startedAt' | 'endedAt' | 'endpoints'>,
  signal: AbortSignal,
): Promise<IncidentDetails> {
  const { series, startedAt: from, endedAt } = incident
  if (series.kind === 'source') return {}
  const toMs = Math.min((endedAt ?? options.now()).getTime(), from.getTime() + MAX_RANGE_MS)
  const range = { from, to: new Date(toMs), endpoint: endpointOf(incident) }
  const table = await options.currentTable()
  const asking = { folding: await readFolding(options.sql, table), ipv6Prefix: options.ipv6Prefix, signal }
  const answer = <T>(question: Promise<T>) =>
    question.catch((error: unknown) => {
      if (!isUnanswered(error)) throw error
      options.log.info(
        { err: error, incident: incident.id },
        'the request log does not answer about an incident',
      )
      return undefined
    })
  const clients = await answer(topClients(options.trafficSql, table, range, asking))
  const samples = await answer(failingSamples(options.trafficSql, table, range, asking))
  return {
    ...(clients && { clients: clients.clients, clientCount: clients.count }),
    ...(samples && { samples: { first: samples.first.map(toStored), last: samples.last.map(toStored) } }),
  }
}

function endpointOf({ series, endpoints }: Pick<StoredIncident, 'series' | 'endpoints'>): string | null {
  if (series.kind === 'endpoint') return series.name
  const [first] = endpoints
  return first !== undefined && first.share >= MIN_SHARE ? first.endpoint : null
}

function isUnanswered(error: unknown): boolean {
  const isTable = error instanceof TrafficTableError || isTableUnusable(error)
  return isTable || isStatementCancelled(error) || isDatabaseAway(error)
}

const toStored = ({ at, ...rest }: FailedSample) => ({ at: at.toISOString(), ...rest })
