import type { CurvePoint } from './model.js'

/**
 * The burst at any rate of a curve: on a line between the known points, which is never too low as depths are convex
 * in the rate, rounded up; outside of them that of the nearest.
 *
 * @param curve ascending in the limit, not empty
 */
export function burstOn(curve: readonly CurvePoint[], limit: number): number {
  const next = curve.findIndex((point) => point.limit >= limit)
  if (next === -1) return Math.ceil(curve.at(-1)!.burst)
  if (next === 0 || curve[next]!.limit === limit) return Math.ceil(curve[next]!.burst)
  const [a, b] = [curve[next - 1]!, curve[next]!]
  const share = (limit - a.limit) / (b.limit - a.limit)
  return Math.ceil(a.burst + share * (b.burst - a.burst))
}

/**
 * The burst of all callers of an endpoint together: what its arrivals need at the limit, but at the least what the
 * untrained rule gives for ten seconds (max(10, ⌊limit / 6⌋)), and not more than a minute at the limit: where the
 * endpoint regularly sees more than the limit, depths grow with the hours and say nothing.
 */
export function endpointBurst(curve: readonly CurvePoint[], limit: number): number {
  const tenSeconds = Math.max(10, Math.floor(limit / 6))
  return Math.max(tenSeconds, Math.min(burstOn(curve, limit), limit))
}

/** The tiers' multipliers, and the least and the most that a tier and a fixed strategy make of a base. */
const AROUND = [0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 6.5]

/** The rates at which a curve should be known for a base limit: whole, from 1, ascending. */
export function limitsAround(base: number): number[] {
  return [...new Set(AROUND.map((factor) => Math.max(1, Math.trunc(base * factor))))]
}
