import type { Interval } from '../statistics/bootstrap-interval.js'

/** What a recommendation rests on. */
export interface Evidence {
  readonly requests: number
  /** Days with requests. */
  readonly days: number
  /** Only where the limit is one of clients. */
  readonly clients?: number
  /** Share of the requests that were not left out as floods and scrapers, 0…1; all of them when it is not given. */
  readonly kept?: number
  /** Of the recommended limit. */
  readonly interval: Interval
  readonly limit: number
}

/** Without any traffic: what the tier's defaults are worth. */
export const UNTRAINED_CONFIDENCE = 0.3

const HALF_WAY_REQUESTS = 200
const FULL_DAYS = 7
const HALF_WAY_CLIENTS = 12
const MAX_CONFIDENCE = 0.99

/**
 * How far to trust a recommendation, 0…1, to two digits: a product of five shares, each 1 when nothing is wanting.
 * Requests: n / (n + 200). Days: √(d / 7), at most 1. Clients: n / (n + 12). Steadiness: 1 / (1 + w), w the width of
 * the bootstrap interval over the limit. And what was kept: who was left out may have been a customer. A rule of thumb, made to be monotonic in each; not a probability.
 */
export function confidence({ requests, days, clients, kept = 1, interval, limit }: Evidence): number {
  const amount = requests / (requests + HALF_WAY_REQUESTS)
  const span = Math.sqrt(Math.min(1, days / FULL_DAYS))
  const crowd = clients === undefined ? 1 : clients / (clients + HALF_WAY_CLIENTS)
  const steadiness = 1 / (1 + Math.max(0, interval.upper - interval.lower) / limit)
  return Math.round(Math.min(MAX_CONFIDENCE, amount * span * crowd * steadiness * kept) * 100) / 100
}
