import type { AnomalyType } from '../anomaly/verdict.js'

/** The traffic of an endpoint in some minutes. */
export interface EndpointTraffic {
  readonly endpoint: string
  readonly minutes: number
  readonly requests: number
  /** Requests answered with 400 or above. */
  readonly failed: number
  /** Average latency in ms; null where not known. */
  readonly latencyMs: number | null
}

/** An endpoint with a smaller share is not named. */
const MIN_SHARE = 0.01
const MAX_ENDPOINTS = 20

/**
 * The endpoints that an incident of the whole gateway is about, by a comparison of its minutes with those before it: by
 * requests that fail, by time that requests wait longer, or by requests that are missing or too many. Pure, O(n log n).
 *
 * @param minutes of the incident
 * @param during the traffic of these minutes; an endpoint that is not there had no requests
 * @param before as long before it as there is; an endpoint that is not there had no requests
 * @returns shares of the harm, 0…1, the largest first; none without harm
 */
export function rankEndpoints(
  type: AnomalyType,
  minutes: number,
  during: readonly EndpointTraffic[],
  before: readonly EndpointTraffic[],
): { readonly endpoint: string; readonly share: number }[] {
  const usual = new Map(before.map((each) => [each.endpoint, each]))
  const gone = before.filter(({ endpoint }) => !during.some((each) => each.endpoint === endpoint))
  const all = [
    ...during,
    ...gone.map(({ endpoint }) => ({ endpoint, minutes, requests: 0, failed: 0, latencyMs: null })),
  ]
  const harms = all.map((each) => ({
    endpoint: each.endpoint,
    harm: Math.max(0, harmOf(type, each, usual.get(each.endpoint))),
  }))
  const sum = harms.reduce((total, { harm }) => total + harm, 0)
  if (sum === 0) return []
  return harms
    .map(({ endpoint, harm }) => ({ endpoint, share: harm / sum }))
    .filter(({ share }) => share >= MIN_SHARE)
    .sort((a, b) => b.share - a.share || (a.endpoint < b.endpoint ? -1 : 1))
    .slice(0, MAX_ENDPOINTS)
}

/** In requests, or for latencies in milliseconds. */
function harmOf(type: AnomalyType, now: EndpointTraffic, usual: EndpointTraffic | undefined): number {
  const expected = usual ? (usual.requests / Math.max(1, usual.minutes)) * now.minutes : 0
  const failed = now.failed - now.requests * (usual && usual.requests > 0 ? usual.failed / usual.requests : 0)
  const slower =
    now.latencyMs === null || usual?.latencyMs == null ? 0 : Math.max(0, now.latencyMs - usual.latencyMs)
  switch (type) {
    case 'traffic_spike':
      return now.requests - expected
    case 'traffic_drop':
      return expected - now.requests
    case 'latency_spike':
      return now.requests * slower
    case 'error_rate_spike':
      return failed
    default: // a request that takes twice as long counts as one that fails
      return Math.max(0, failed) + now.requests * Math.min(1, slower / Math.max(1, usual?.latencyMs ?? 1))
  }
}
