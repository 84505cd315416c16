/** The interval of rows whose times do not show one. */
export const DEFAULT_INTERVAL_SECONDS = 60

/** Intervals that people choose, in seconds. */
const USUAL_SECONDS = [
  ...[1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800],
  ...[3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400],
]

/** A spacing this close to a usual interval is that interval. */
const CLOSE = 0.1

/** Longer spacings than this many times a short one are gaps. */
const GAP = 1.5

/**
 * The interval of rows, in seconds, from their times: the median spacing without gaps. So a history that leaves out
 * most of its empty minutes still has rows of a minute. It is 60 without two different times. O(n log n).
 *
 * @param timesMs when each row began, ms since 1970, ascending; equal times count once
 */
export function rowSeconds(timesMs: ArrayLike<number>): number {
  const spacings: number[] = []
  for (let i = 1; i < timesMs.length; i++) {
    const spacing = timesMs[i]! - timesMs[i - 1]!
    if (spacing > 0) spacings.push(spacing / 1000)
  }
  if (spacings.length === 0) return DEFAULT_INTERVAL_SECONDS
  const sorted = Float64Array.from(spacings).sort()
  const short = sorted[Math.floor(sorted.length / 10)]!
  const near = sorted.filter((each) => each <= GAP * short)
  const median = near[Math.floor(near.length / 2)]!
  const usual = USUAL_SECONDS.find((each) => Math.abs(median - each) <= CLOSE * each)
  return usual ?? Math.min(86_400, Math.max(1, Math.round(median)))
}
