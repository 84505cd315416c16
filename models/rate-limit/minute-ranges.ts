/** Minutes since 1970, half-open: from, from + 1, … to − 1. */
export interface MinuteRange {
  readonly from: number
  readonly to: number
}

/** The same minutes in ascending ranges that neither touch nor overlap; empty ranges are dropped. */
export function mergeRanges(ranges: readonly MinuteRange[]): MinuteRange[] {
  const merged: { from: number; to: number }[] = []
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    if (!(to > from)) continue
    const last = merged.at(-1)
    if (last && from <= last.to) last.to = Math.max(last.to, to)
    else merged.push({ from, to })
  }
  return merged
}

/** How many of the minutes of `range` lie outside all of `excluded`, which is merged. */
export function minutesOutside(excluded: readonly MinuteRange[], range: MinuteRange): number {
  let minutes = range.to - range.from
  for (const { from, to } of excluded) {
    minutes -= Math.max(0, Math.min(to, range.to) - Math.max(from, range.from))
  }
  return minutes
}

/** Whether a minute lies in one of the merged ranges; logarithmic time. */
export function inRanges(ranges: readonly MinuteRange[], minute: number): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]!.to > minute) high = middle
    else low = middle + 1
  }
  return low < ranges.length && ranges[low]!.from <= minute
}
