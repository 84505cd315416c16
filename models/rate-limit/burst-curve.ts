/** The burst (bucket depth, requests) that arrivals need at a limit (requests a minute). */
export interface CurvePoint {
  readonly limit: number
  readonly burst: number
}

/**
 * The burst at any limit of a curve. Between two points it lies on the line that joins them, which is never too low
 * because depths are convex in the limit; it is rounded up. Outside the curve it is that of the nearest point.
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

/** The tiers' multipliers, and the least and the most that a tier and a fixed strategy make of a base. */
const FACTORS = [0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 6.5]

/** The limits at which a curve should be known for a base limit: whole numbers from 1, ascending, each once. */
export function limitsAround(base: number): number[] {
  return [...new Set(FACTORS.map((factor) => Math.max(1, Math.trunc(base * factor))))]
}
