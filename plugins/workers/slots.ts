import { setTimeout as delay } from 'node:timers/promises'

/** Lets some work run at a time, and the rest wait for a short time. */
export interface Slots {
  /** How much work waits. */
  readonly waiting: number
  /**
   * @param signal ends the waiting
   * @returns what gives the slot back; undefined when none became free in time
   */
  take(signal?: AbortSignal): Promise<(() => void) | undefined>
}

export function createSlots(count: number, maxWaiting: number, maxWaitMs: number): Slots {
  let free = count
  const waiting: (() => void)[] = []
  const give = () => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  return {
    get waiting() {
      return waiting.length
    },
    async take(signal) {
      if (free > 0) {
        free--
        return give
      }
      if (waiting.length >= maxWaiting) return undefined
      const stop = new AbortController()
      let turn!: () => void
      const served = new Promise<true>((resolve) => {
        turn = () => resolve(true)
        waiting.push(turn)
      })
      const ended = signal ? AbortSignal.any([stop.signal, signal]) : stop.signal
      const timedOut = delay(maxWaitMs, false as const, { signal: ended, ref: false }).catch(
        () => false as const,
      )
      const isServed = await Promise.race([served, timedOut])
      stop.abort()
      if (isServed) return give
      const place = waiting.indexOf(turn)
      if (place < 0) return give // its turn came at the last moment
      waiting.splice(place, 1)
      return undefined
    },
  }
}
