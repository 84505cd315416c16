/** A client as the search for runaways sees it. */
export interface Peak {
  /** Its busiest minute, or hour: requests, from 1. */
  readonly value: number
  /** Behaves as the crowd does; see trustedClients. */
  readonly trusted: boolean
}

/**
 * The share of the clients that a limit may cut off, as in the budget of the minute in limit.ts. Before one client may
 * do more than the others, more clients than that have to do nearly as much: those who are few enough to be cut off are
 * no evidence for anybody else. A hundredth would be safer against groups, but leaves out legitimate heavy users by the
 * hour.
 */
const MAX_CUT_OFF = 0.005
/** So few requests are no flood, however quiet the others are. */
const MIN_PEAK = 5

/**
 * The peak up to which clients are legitimate. The lower half and every trusted client belong. From there upwards, the
 * next client belongs while its peak is at most `maxRatio` times the k-th highest of those that belong already, k being
 * one more than one in 200. The first that does not, and all above it, are runaways: floods and scrapers stand apart
 * from the crowd, a heavy tail does not. So fewer than k clients together, however they space themselves, raise
 * the result to `maxRatio` times the crowd's peak and no further. O(n log n).
 *
 * @param peaks of the clients, in any order
 * @param maxRatio a factor above 1
 * @returns the highest peak that belongs; 0 without clients
 */
export function highestLegitimatePeak(peaks: readonly Peak[], maxRatio: number): number {
  if (peaks.length === 0) return 0
  const sorted = peaks.toSorted((a, b) => a.value - b.value)
  const bulk = sorted[Math.floor((sorted.length - 1) / 2)]!.value
  const belongs = sorted.map(({ value, trusted }) => trusted || value <= bulk)
  let supporter = kthHighest(belongs, 1 + Math.ceil(MAX_CUT_OFF * sorted.length))
  for (let next = 0; next < sorted.length; next++) {
    if (belongs[next]) continue
    if (sorted[next]!.value > maxRatio * Math.max(sorted[supporter]!.value, MIN_PEAK)) break
    belongs[next] = true
    // One more above the k-th highest: that is now the one after it.
    if (next > supporter) supporter = belongs.indexOf(true, supporter + 1)
  }
  return sorted[belongs.lastIndexOf(true)]!.value
}

/** The place of the k-th of those that belong, from above; the lowest of them where they are fewer. */
function kthHighest(belongs: readonly boolean[], k: number): number {
  let place = belongs.indexOf(true)
  for (let i = belongs.length - 1, found = 0; i >= 0 && found < k; i--) {
    if (belongs[i]) {
      place = i
      found++
    }
  }
  return place
}
