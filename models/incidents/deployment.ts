import { HOUR_MS, MINUTE_MS } from '../traffic/durations.js'
import type { Series } from './series-minute.js'
import { isEndpoint } from './silence.js'

/** A new version of a gateway, of one of its endpoints, or of what a source reports on. */
export interface Deployment {
  /** Null is the gateway, where no endpoint is given. */
  readonly source: string | null
  /** `GET /orders/{id}`, `/orders/{id}` for all methods, or the beginning of either with `*` at its end. */
  readonly endpoint: string | null
  readonly version: string
  /** Ms since 1970. */
  readonly atMs: number
}

/** What is known of an incident. */
export interface Affected {
  readonly series: Series
  readonly startedMs: number
  /** The likely origin first. */
  readonly endpoints: readonly { readonly endpoint: string; readonly startedMs: number }[]
}

/**
 * When an incident began at its likely origin. The first abnormal minute of the gateway may be one of chance just before it:
 * a deployment between the two has started the incident.
 */
export function begunMs({ startedMs, endpoints: [origin] }: Affected): number {
  if (!origin || origin.startedMs - startedMs > MAX_ONSET_ERROR_MS) return startedMs
  return Math.max(startedMs, origin.startedMs)
}

/** The first abnormal minute of the gateway is known as exactly as this. */
const MAX_ONSET_ERROR_MS = 5 * MINUTE_MS

/** An alarm that a deployment began is over after so long: older ones say nothing about a step. */
export const RECENT_DEPLOYMENT_MS = 4 * HOUR_MS

/** An incident may come of a deployment that was so long before it. */
export const MAX_DEPLOYMENT_AGE_MS = 15 * MINUTE_MS

/**
 * The deployment that an incident began after: of those at most 15 minutes before its first minute, up to the first
 * minute of its likely origin, one of an affected endpoint rather than one of the whole gateway, and then the last;
 * undefined without one. Pure, O(deployments × endpoints).
 *
 * @param gatewayName the source that is the gateway
 */
export function deploymentBefore<D extends Deployment>(
  incident: Affected,
  deployments: readonly D[],
  gatewayName: string,
): D | undefined {
  const { startedMs } = incident
  const endMs = begunMs(incident) + MINUTE_MS
  const ranked = deployments
    .filter(({ atMs }) => atMs >= startedMs - MAX_DEPLOYMENT_AGE_MS && atMs < endMs)
    .map((deployment) => ({ deployment, rank: rankOf(deployment, incident, gatewayName) }))
    .filter(({ rank }) => rank < Infinity)
    .sort((a, b) => a.rank - b.rank || b.deployment.atMs - a.deployment.atMs)
  return ranked[0]?.deployment
}

/** When something was deployed that a series belongs to, ms since 1970. */
export function deploymentsOf(
  series: Series,
  deployments: readonly Deployment[],
  gatewayName: string,
): number[] {
  const affected: Affected = { series, startedMs: 0, endpoints: [] }
  return deployments
    .filter((deployment) => rankOf(deployment, affected, gatewayName) < Infinity)
    .map(({ atMs }) => atMs)
}

/** 0 is the likely origin; Infinity has nothing to do with the incident. */
function rankOf({ source, endpoint }: Deployment, incident: Affected, gatewayName: string): number {
  const { series, endpoints } = incident
  if (series.kind === 'source') return source === series.name ? 0 : Infinity
  if (endpoint === null) return source === null || source === gatewayName ? endpoints.length + 1 : Infinity
  const named = series.kind === 'endpoint' ? [series.name] : []
  const place = [...named, ...endpoints.map((each) => each.endpoint)].findIndex((each) =>
    isEndpoint(endpoint, each),
  )
  return place === -1 ? Infinity : place
}

/** What a deployment says about an incident that began after it, as a sentence. `begun` is when, in ms since 1970. */
export function describeDeployment(
  { version, endpoint, source, atMs }: Deployment,
  begun: number,
  gatewayName: string,
): string {
  const of = endpoint ?? (source === null || source === gatewayName ? 'the gateway' : source)
  const minutes = Math.max(0, Math.floor((begun - atMs) / MINUTE_MS))
  const when = minutes === 0 ? 'in that minute' : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'} before`
  return `Version ${version} of ${of} was deployed ${when}.`
}
