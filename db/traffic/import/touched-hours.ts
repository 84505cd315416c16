import { HOUR_MS } from '../../../models/traffic/durations.js'

/** More hours without requests begin a new range. */
const MAX_GAP_HOURS = 24

/** The hours that received rows. */
export class TouchedHours {
  readonly #hours = new Set<number>()

  /** @param hours since 1970 @returns true */
  add(hours: Iterable<number>): true {
    for (const hour of hours) this.#hours.add(hour)
    return true
  }

  /** In order of time, both ends included; one request dated years ago does not touch all the years since. */
  ranges(): { from: Date; to: Date }[] {
    const ranges: { from: Date; to: Date }[] = []
    let before = -Infinity
    for (const hour of [...this.#hours].toSorted((a, b) => a - b)) {
      const to = new Date((hour + 1) * HOUR_MS - 1)
      if (hour - before > MAX_GAP_HOURS) ranges.push({ from: new Date(hour * HOUR_MS), to })
      else ranges.at(-1)!.to = to
      before = hour
    }
    return ranges
  }
}
