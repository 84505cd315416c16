import { MINUTE_MS } from '../../models/traffic/durations.js'
import { withLag, type Lateness } from '../../models/watch/lateness.js'
import type { WatchedLog } from './log.js'

/** Judged minutes are looked at again for rows that came later: for more than this share, and this number. */
export const LATE_MS = 15 * MINUTE_MS
const LATE = { share: 0.02, requests: 3 }

/** Finds rows that came after their minute was judged. */
export class LateRows {
  /** Requests of the gateway in the last judged minutes. */
  readonly #judged = new Map<number, number>()

  add(timeMs: number, requests: number): void {
    this.#judged.set(timeMs, requests)
  }

  /** Learns from the minutes before a time that there is to be more time from now on. */
  async learn(before: Lateness, watchedLog: WatchedLog, toMs: number, nowMs: number): Promise<Lateness> {
    const fromMs = toMs - LATE_MS
    for (const timeMs of this.#judged.keys()) if (timeMs < fromMs) this.#judged.delete(timeMs)
    const requests = await watchedLog.requests(fromMs, toMs)
    let lateness = before
    for (const [timeMs, known] of this.#judged) {
      const more = (requests.get(timeMs) ?? 0) - known
      if (more < Math.max(LATE.requests, LATE.share * known)) continue
      lateness = withLag(lateness, nowMs, nowMs - timeMs - MINUTE_MS)
      this.#judged.set(timeMs, known + more)
    }
    return lateness
  }
}
