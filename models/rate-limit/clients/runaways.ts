/** A client as the search for runaways sees it. */
export interface Peak {
  /** Its busiest minute, or hour: requests, from 1. */
  readonly value: number
  /** Lives like the crowd: comes on most days, keeps to its own usual, follows the crowd's rhythm. */
  readonly trusted: boolean
}

/**
 * The share of the clients that the limit may cut off (the budget of the minute, BUDGET in client-limit.ts). Before one
 * client may do more than the others, more than that many have to do nearly as much: who are few enough to be cut off
 * do not speak for anybody else. A hundredth would be safer from groups, but leaves out honest heavy users by the hour.
 */
const EXPENDABLE = 0.005
/** So few requests are nobody's flood, however quiet the others are. */
const LEAST = 5

/**
 * Up to which peak the clients behave. The lower half and every trusted client belong; from there upwards the
 * next client belongs while it stays below `reach` times the k-th highest of those that belong already, k being one
 * more than one in 200. Where the ladder breaks, what is left above are runaways: floods and scrapers stand
 * apart from the crowd, a heavy tail does not. So fewer than k clients together, however they space themselves, raise
 * the ceiling to `reach` times the crowd's and no further. O(n log n).
 *
 * @param peaks of the clients, in any order
 * @param reach factor above 1
 * @returns the highest peak that belongs; 0 without clients
 */
export function highestHonestPeak(peaks: readonly Peak[], reach: number): number {
  if (peaks.length === 0) return 0
  const sorted = peaks.toSorted((a, b) => a.value - b.value)
  const bulk = sorted[Math.floor((sorted.length - 1) / 2)]!.value
  const belongs = sorted.map(({ value, trusted }) => trusted || value <= bulk)
  let supporter = kthHighest(belongs, 1 + Math.ceil(EXPENDABLE * sorted.length))
  for (let next = 0; next < sorted.length; next++) {
    if (belongs[next]) continue
    if (sorted[next]!.value > reach * Math.max(sorted[supporter]!.value, LEAST)) break
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
