import { burstOn, type CurvePoint } from '../burst-curve.js'
import { friendlyNumber } from './friendly-number.js'

/** What an endpoint gets at least, whatever its traffic: ten seconds at the limit, and 10 requests. */
function tenSeconds(limit: number): number {
  return Math.max(10, Math.floor(limit / 6))
}

/**
 * The burst of all callers of an endpoint together: what its arrivals need at the limit. It is at least ten seconds'
 * worth, max(10, ⌊limit / 6⌋), and otherwise at most a minute's worth: where the endpoint regularly sees more than
 * the limit, depths grow with the length of the history and are no evidence.
 *
 * @param curve ascending in the limit, not empty
 * @param limit requests a minute
 */
export function endpointBurst(curve: readonly CurvePoint[], limit: number): number {
  return Math.max(tenSeconds(limit), Math.min(burstOn(curve, limit), limit))
}

/**
 * A burst without request times to learn from: the larger of ten seconds' worth, max(10, ⌊limit / 6⌋), and twice the
 * usual burst (at most the limit), as a friendly number.
 *
 * @param typicalBurstSize requests in a busy second
 */
export function burstFromProfile(limit: number, typicalBurstSize: number): number {
  return friendlyNumber(Math.max(tenSeconds(limit), Math.min(2 * typicalBurstSize, limit)))
}
