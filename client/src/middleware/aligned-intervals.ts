import type { Interval } from './interval-counter.js'

export interface Clock {
  /** Milliseconds since 1970; may jump. */
  wallMs(): number
  /** Milliseconds since whenever; never jumps. */
  monotonicMs(): number
  /** Calls back later, without keeping the process alive; gives what calls it off. */
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

/** Timers are early now and then, by less than this. */
const TIMER_GRAIN_MS = 1

/** No interval is begun for less than this share of one: what is left belongs to the next. */
const LEAST_SHARE = 1 / 20

/**
 * Intervals that end at multiples of their length on the wall clock, one after the other; the first and the last are
 * shorter. After a jump of the wall clock they find back to the multiples within two: one timer at a time, whose
 * delay is bounded from both sides, and lengths by the monotonic clock.
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

  /** Ends the interval under way, the last one, without telling onEnd of it; null when it has no length. */
  close(): Interval | null {
    this.#callOff()
    const interval = this.#end()
    return interval.lengthMs > 0 ? interval : null
  }

  #wait(): void {
    const { intervalMs } = this
    let delayMs = intervalMs - modulo(this.#beganMs, intervalMs)
    if (delayMs < intervalMs * LEAST_SHARE) delayMs += intervalMs
    this.#endMs = this.#beganMs + delayMs
    this.#isExtended = false
    this.#callOff = this.clock.after(delayMs + TIMER_GRAIN_MS, () => this.#look())
  }

  #look(): void {
    // A clock that was set back a little: two intervals would have begun in the same minute.
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
