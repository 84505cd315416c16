/** A client as the search for runaways sees it. */
export interface Peak {
  /** Its busiest minute, or hour: requests, from 1. */
  readonly value: number
  /** Lives like the crowd: comes on most days, keeps to its own usual, follows the crowd's rhythm. */
  readonly trusted: boolean
}

const SUPPORTERS = 2
/** So few requests are nobody's flood, however quiet the others are. */
const LEAST = 5

/**
 * Up to which peak the clients behave. The lower half and every trusted client belong; from there upwards the
 * next client belongs while it stays below `reach` times the second highest of those that belong already. Where the
 * ladder breaks, what is left above are runaways: floods and scrapers stand apart from the crowd, a heavy tail does
 * not. The second highest, so that no single client lifts the next.
 *
 * @param peaks of the clients, in any order
 * @param reach factor above 1
 * @returns the highest peak that belongs; 0 without clients
 */
export function highestHonestPeak(peaks: readonly Peak[], reach: number): number {
  if (peaks.length === 0) return 0
  const values = Float64Array.from(peaks, ({ value }) => value).sort()
  const bulk = values[Math.floor((values.length - 1) / 2)]!
  const belong = peaks.filter(({ value, trusted }) => trusted || value <= bulk).map(({ value }) => value)
  const waiting = peaks.filter(({ value, trusted }) => !trusted && value > bulk).map(({ value }) => value)
  const highest = belong.sort((a, b) => b - a).slice(0, SUPPORTERS)
  for (const value of waiting.sort((a, b) => a - b)) {
    const second = highest.at(-1)!
    if (value > reach * Math.max(second, LEAST)) break
    highest.push(value)
    highest.sort((a, b) => b - a).length = Math.min(SUPPORTERS, highest.length)
  }
  return highest[0]!
}
