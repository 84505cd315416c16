import { friendlyNumber } from './friendly-number.js'

const HEADROOM = 1.2
const MIN_BASE = 10

/**
 * The base limit of an endpoint, which tier and strategy multiply: max(10, 1.2 × p95) as a friendly number.
 *
 * @param p95RequestsPerMinute of the endpoint's minutes, see busyMinute; not negative
 * @returns requests a minute
 */
export function endpointBase(p95RequestsPerMinute: number): number {
  return friendlyNumber(Math.max(MIN_BASE, HEADROOM * p95RequestsPerMinute))
}
