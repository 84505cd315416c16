import { setTimeout as delay } from 'node:timers/promises'

export interface Patience {
  /** What is waited for, as the message of a time-out names it; the source of the look when left out. */
  readonly what?: string
  /** Far longer than a slow machine needs: who waits for longer, hangs. */
  readonly limitMs?: number
  readonly pauseMs?: number
}

/**
 * Looks again and again until there is what is looked for.
 * @returns what was found, which is neither undefined nor false
 * @throws when the limit has passed without it
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { what = String(look), limitMs = 120_000, pauseMs = 20 }: Patience = {},
): Promise<Exclude<T, undefined | false>> {
  const since = performance.now()
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>
    if (performance.now() - since > limitMs) {
      throw new Error(`Waited ${limitMs / 1000} seconds in vain for: ${what}`)
    }
    await delay(pauseMs)
  }
}
