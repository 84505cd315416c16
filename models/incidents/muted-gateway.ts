import { KINDS } from '../anomaly/kinds.js'
import { deviationSizes, MIN_SIZES } from './deviation-size.js'
import type { SeriesMinute } from './series-minute.js'

/** What is left deviates at most this share as much as the whole. */
const MAX_LEFT = 0.5

/**
 * Whether a deviation of the gateway is that of some of its endpoints: without what they have more or less than expected, it
 * does not matter in any kind, and is at most half as large. False without an alarm, and where the minute does not show what
 * the alarm is about, such as a pattern.
 *
 * @param endpoints minutes of the same time
 */
export function isOfMuted(gateway: SeriesMinute, endpoints: readonly SeriesMinute[]): boolean {
  if (gateway.alarm === null || endpoints.length === 0) return false
  const whole = deviationSizes(gateway)
  const rest = deviationSizes(restOf(gateway, endpoints))
  const { type } = gateway.alarm
  const kinds = KINDS.filter((kind) => kind === type || whole[kind] >= MIN_SIZES[kind])
  return kinds.length > 0 && kinds.every((kind) => isSmall(rest[kind], whole[kind], MIN_SIZES[kind]))
}

function isSmall(rest: number, whole: number, least: number): boolean {
  return whole > 0 && rest < least && rest <= MAX_LEFT * whole
}

/** The gateway as it would be if the endpoints were as expected. */
function restOf(gateway: SeriesMinute, endpoints: readonly SeriesMinute[]): SeriesMinute {
  let { requests, failed } = gateway
  let excessMs = 0
  for (const { expected, latencyMs, ...endpoint } of endpoints) {
    requests += expected.requests - endpoint.requests
    failed += expected.failed - endpoint.failed
    if (latencyMs !== null && expected.latencyMs !== null) {
      excessMs += endpoint.requests * (latencyMs - expected.latencyMs)
    }
  }
  const share = gateway.requests > 0 ? excessMs / gateway.requests : 0
  return {
    ...gateway,
    requests: Math.max(0, requests),
    failed: Math.max(0, failed),
    latencyMs: gateway.latencyMs === null ? null : gateway.latencyMs - share,
  }
}
