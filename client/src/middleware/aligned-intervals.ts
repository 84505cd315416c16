import type { Interval } from './interval-counter.js'

export interface Clock {
  /** Milliseconds since 1970. The clock may jump. */
  wallMs(): number
  /** Milliseconds since an arbitrary start. The clock never jumps. */
  monotonicMs(): number
  /** Calls back after a delay, without keeping the process alive. Returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void
}

export const SYSTEM_CLOCK: Clock = {
  wallMs: Date.now,
  monotonicMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** Timers may fire early by less than this. */
const TIMER_GRAIN_MS = 1

/** A shorter remainder, as a share of the interval, is added to the next interval. */
const MIN_SHARE = 1 / 20

/**
 * Consecutive intervals that end at multiples of their length on the wall clock. The first and the last are shorter.
 * After a jump of the wall clock, the intervals are aligned again within two intervals: there is one timer at a time, its
 * delay is bounded from both sides, and lengths are measured by the monotonic clock.
 */
export class AlignedIntervals {
  #beganMs: number
  #beganMonotonicMs: number
  #endMs = 0
  #isExtended = false
  #callOff: () => void = () => undefined

  constructor(
    private readonly intervalMs: number,
    private readonly clock: Clock,
    private readonly onEnd: (interval: Interval) => void,
  ) {
    this.#beganMs = clock.wallMs()
    this.#beganMonotonicMs = clock.monotonicMs()
    this.#wait()
  }

  /** Ends the current interval, which is the last, without calling onEnd. Returns null if it has no length. */
  close(): Interval | null {
    this.#callOff()
    const interval = this.#end()
    return interval.lengthMs > 0 ? interval : null
  }

  #wait(): void {
    const { intervalMs } = this
    let delayMs = intervalMs - modulo(this.#beganMs, intervalMs)
    if (delayMs < intervalMs * MIN_SHARE) delayMs += intervalMs
    this.#endMs = this.#beganMs + delayMs
    this.#isExtended = false
    this.#callOff = this.clock.after(delayMs + TIMER_GRAIN_MS, () => this.#look())
  }

  #look(): void {
    // The clock was set back a little. Without this, two intervals would begin in the same minute.
    const earlyMs = this.#endMs - this.clock.wallMs()
    if (earlyMs > 0 && earlyMs <= this.intervalMs && !this.#isExtended) {
      this.#isExtended = true
      this.#callOff = this.clock.after(earlyMs + TIMER_GRAIN_MS, () => this.#look())
      return
    }
    const interval = this.#end()
    this.#wait()
    this.onEnd(interval)
  }

  #end(): Interval {
    const monotonicMs = this.clock.monotonicMs()
    const interval = { beganMs: this.#beganMs, lengthMs: monotonicMs - this.#beganMonotonicMs }
    this.#beganMs = this.clock.wallMs()
    this.#beganMonotonicMs = monotonicMs
    return interval
  }
}

/** Never negative. */
function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}
