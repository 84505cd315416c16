/** [from, to). */
export interface TimeRange {
  readonly from: Date
  readonly to: Date
}

/** Rollups hold no times beyond these. */
export const MIN_TIME = new Date('0001-01-01T00:00:00Z')
export const MAX_TIME = new Date('9999-12-31T00:00:00Z')

export function floorTo(unitMs: number, time: Date | number): Date {
  return new Date(Math.floor(Number(time) / unitMs) * unitMs)
}

export function later(a: Date, b: Date): Date {
  return a > b ? a : b
}

export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}

/** In ms; 0 when it ends before it begins. */
export function lengthOf({ from, to }: TimeRange): number {
  return Math.max(0, to.getTime() - from.getTime())
}

/** The same times as ordered ranges that neither overlap nor touch. */
export function joinRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const joined: TimeRange[] = []
  for (const range of ranges.toSorted((a, b) => a.from.getTime() - b.from.getTime())) {
    const last = joined.at(-1)
    if (last === undefined || range.from > last.to) joined.push(range)
    else if (range.to > last.to) joined[joined.length - 1] = { from: last.from, to: range.to }
  }
  return joined
}

/** The parts of the ranges within the bounds. */
export function clipRanges(ranges: readonly TimeRange[], bounds: TimeRange): TimeRange[] {
  return ranges
    .map(({ from, to }) => ({ from: later(from, bounds.from), to: earlier(to, bounds.to) }))
    .filter((range) => lengthOf(range) > 0)
}
