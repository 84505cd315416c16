/** A client as the search for runaways sees it. */
export interface Peak {
  /** Its busiest minute, or hour: requests, from 1. */
  readonly value: number
  /** Lives like the crowd: comes on most days, keeps to its own usual, follows the crowd's rhythm. */
  readonly trusted: boolean
}

/**
 * How many must do as much before the next may do more: two, so that no single client lifts the next, and in a crowd
 * one in a hundred. That is more than the limit may cut off (one in 200 by the minute, one in 400 by the hour: BUDGET in
 * client-limit.ts), so those who are few enough to be cut off do not speak for anybody else; and no more than that, as
 * whoever lies above `reach` times the 99th percentile counts as a runaway, in a heavy tail too.
 */
const SUPPORTERS = { least: 2, share: 0.01 }
/** So few requests are nobody's flood, however quiet the others are. */
const LEAST = 5

/**
 * Up to which peak the clients behave. The lower half and every trusted client belong; from there upwards the
 * next client belongs while it stays below `reach` times the k-th highest of those that belong already, k being one in
 * a hundred, two at the least. Where the ladder breaks, what is left above are runaways: floods and scrapers stand
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
  const supporters = Math.max(SUPPORTERS.least, Math.ceil(SUPPORTERS.share * sorted.length))
  let supporter = kthHighest(belongs, supporters)
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
