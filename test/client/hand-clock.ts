import type { Clock } from './core.js'

/** A clock that is moved by hand. */
export class HandClock implements Clock {
  #wallMs: number
  #monotonicMs = 5_000
  #timers: { dueMs: number; callback: () => void }[] = []
  /** How often something has asked to be called. */
  asked = 0

  constructor(wall: string) {
    this.#wallMs = Date.parse(wall)
  }

  wallMs = () => this.#wallMs
  monotonicMs = () => this.#monotonicMs

  after = (ms: number, callback: () => void) => {
    const timer = { dueMs: this.#monotonicMs + ms, callback }
    this.#timers.push(timer)
    this.asked++
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  /** The wall clock alone is set to something else. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  /** Time goes on, and what is due happens when it is due. */
  pass(ms: number): void {
    const endMs = this.#monotonicMs + ms
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.dueMs - b.dueMs)[0]
      if (!next || next.dueMs > endMs) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.#move(Math.max(0, next.dueMs - this.#monotonicMs))
      next.callback()
    }
    this.#move(endMs - this.#monotonicMs)
  }

  /** The process stands still, and finds out afterwards. */
  stall(ms: number): void {
    this.#move(ms)
    this.pass(0)
  }

  #move(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
  }
}
