import { tailLevel } from '../../statistics/tail-level.js'

/** How much harm to those who behave is put up with. */
export interface HarmBudget {
  /** Share of the clients that may have a peak above the level. */
  readonly clients: number
  /** Share of the requests that may lie above it. */
  readonly requests: number
}

/**
 * The lowest level that keeps within a budget of harm: at most that share of the clients peaks above it
 * ({@link tailLevel}, for the next history of the same length), and at most that share of all requests lies above it. So neither does one client of thousands rule, nor is
 * a shared address cut off because it is but one client.
 *
 * @param peaks of the clients, not empty
 * @param loads what is compared with the level, period by period; its excess is what would be rejected
 * @param requests all of them
 */
export function harmLevel(
  peaks: ArrayLike<number>,
  loads: ArrayLike<number>,
  requests: number,
  budget: HarmBudget,
): number {
  const ofClients = tailLevel(peaks, budget.clients)
  return Math.max(ofClients, excessLevel(loads, budget.requests * requests))
}

/**
 * The lowest level ≥ 0 above which the loads together have at most `excess`: Σ max(0, load − level) ≤ excess.
 * O(n log n).
 */
export function excessLevel(loads: ArrayLike<number>, excess: number): number {
  const sorted = Float64Array.from(loads).sort()
  let sum = 0
  for (let above = 1; above <= sorted.length; above++) {
    sum += sorted[sorted.length - above]!
    const level = (sum - excess) / above
    const next = above < sorted.length ? sorted[sorted.length - above - 1]! : 0
    if (level >= next) return Math.max(0, level)
  }
  return 0
}
