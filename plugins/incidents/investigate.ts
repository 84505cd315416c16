import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled, isTableUnusable } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { changeByDeployment } from '../../db/own/deployments.js'
import type { IncidentDetails } from '../../db/own/incident-writes.js'
import type { IncidentChange, StoredIncident } from '../../db/own/incidents.js'
import { TrafficTableError } from '../../db/traffic/columns.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import {
  clientNames,
  failingSamples,
  topClients,
  type FailedSample,
  type IncidentRequestsOptions,
} from '../../db/traffic/incident-requests.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { ClientArrivals } from '../../models/incidents/client-arrivals.js'
import { findRise, type BeforeAndDuring } from '../../models/incidents/culprits.js'
import { HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { CurrentTable } from '../traffic-table.js'
import { clientChange, limitBefore, toStoredChange, type Evidence } from './find-change.js'

export interface InvestigateOptions {
  readonly sql: Sql
  /** The database that has the log. */
  readonly trafficSql: Sql
  readonly currentTable: CurrentTable
  readonly ipv6Prefix: number
  readonly timeZone: string
  readonly log: Pick<Log, 'info'>
  readonly now: () => Date
}

/** What is asked about. */
export type Investigated = Pick<
  StoredIncident,
  'id' | 'series' | 'type' | 'startedAt' | 'endedAt' | 'endpoints'
>

/** What was found out, and who caused a rise of traffic. */
export interface Findings {
  readonly details: IncidentDetails
  /** The names of the few clients that caused a rise; none where many did, or there is none. */
  readonly culprits: readonly string[]
}

/** Of a longer incident, the first hour tells who caused it. */
const MAX_RANGE_MS = HOUR_MS

/** An endpoint with at least this share of the harm is the one to look at. */
const MIN_SHARE = 0.5

/** What is usual is taken from the time before. */
const BEFORE_MS = HOUR_MS

/**
 * Looks up in the request log who sent the requests of an incident, which failed, and what changed when it began. Each question
 * ends after five seconds.
 *
 * @returns what was found; of a source, whose requests are not in the log, the deployment alone
 */
export async function investigate(
  options: InvestigateOptions,
  incident: Investigated,
  signal: AbortSignal,
): Promise<Findings> {
  const { series, startedAt, endpoints } = incident
  const affected = { series, endpoints, startedMs: startedAt.getTime() }
  const deployment = await changeByDeployment(options.sql, affected)
  if (series.kind === 'source') return { details: deployment ? { change: deployment } : {}, culprits: [] }
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
  const range = investigatedRange(incident, options.now())
  const sent = await answer(readTraffic(options, table, range, asking))
  const samples = await answer(failingSamples(options.trafficSql, table, range, asking))
  const found = sent && (await answer(findChange(options, table, incident, { ...sent, deployment, answer })))
  return {
    details: {
      ...(sent && { clients: sent.clients.clients, clientCount: sent.clients.count }),
      ...(samples && { samples: { first: samples.first.map(toStored), last: samples.last.map(toStored) } }),
      ...((found ?? deployment) && { change: found ?? deployment }),
    },
    culprits: sent ? sent.rise.culprits.map(({ client }) => sent.clientName(client)) : [],
  }
}

/** The part of an incident that is looked at: its first hour, of one endpoint where that has most of the harm. */
export function investigatedRange(incident: Omit<Investigated, 'id' | 'type'>, now: Date) {
  const { startedAt: from, endedAt } = incident
  const toMs = Math.min((endedAt ?? now).getTime(), from.getTime() + MAX_RANGE_MS)
  return { from, to: new Date(Math.max(toMs, from.getTime() + MINUTE_MS)), endpoint: endpointOf(incident) }
}

type Range = ReturnType<typeof investigatedRange>

/** The requests of the incident, and of the hour before. */
async function readTraffic(
  { trafficSql }: InvestigateOptions,
  table: TrafficTable,
  range: Range,
  asking: IncidentRequestsOptions,
) {
  const names = clientNames(asking)
  const [before, during] = [new ClientArrivals(), new ClientArrivals()]
  const reading = { ...asking, names }
  const clients = await topClients(trafficSql, table, range, {
    ...reading,
    onBatch: (batch) => during.push(batch),
  })
  const fromMs = range.from.getTime()
  const earlier = { ...range, from: new Date(fromMs - BEFORE_MS), to: range.from }
  const { isComplete } = await topClients(trafficSql, table, earlier, {
    ...reading,
    onBatch: (batch) => before.push(batch),
  })
  const traffic: BeforeAndDuring = {
    ...{ before, during },
    // A log that begins within the hour, and one that was not read to its end, tell of a shorter time.
    beforeMs: Math.max(
      MINUTE_MS,
      (isComplete ? fromMs : (before.lastMs ?? fromMs)) - (before.firstMs ?? fromMs),
    ),
    duringMs: Math.max(
      MINUTE_MS,
      (clients.isComplete ? range.to.getTime() : (during.lastMs ?? fromMs)) - fromMs,
    ),
  }
  return { clients, traffic, rise: findRise(traffic), clientName: (client: number) => names.clients[client]! }
}

interface Sent extends Pick<Evidence, 'traffic' | 'rise' | 'clientName'> {
  readonly deployment: IncidentChange | null
  readonly answer: <T>(question: Promise<T>) => Promise<T | undefined>
}

/** The most telling change first: a limit, a deployment, a new client, a retry storm. */
async function findChange(
  options: InvestigateOptions,
  table: TrafficTable,
  incident: Investigated,
  { deployment, answer, ...sent }: Sent,
): Promise<IncidentChange | null> {
  const evidence = { ...sent, ...incident, endpoint: endpointOf(incident) }
  const places = { ...options, table }
  const limit = await limitBefore(places, evidence)
  if (limit !== null) return toStoredChange(limit)
  if (deployment !== null) return deployment
  const found = await clientChange(places, evidence, answer)
  return found && toStoredChange(found)
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
