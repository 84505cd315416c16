import { setTimeout as delay } from 'node:timers/promises'

/**
 * Looks again and again until there is what is looked for.
 * @throws when the limit has passed without it
 */
export async function eventually<T>(
  look: () => Promise<T>,
  { limitMs = 15_000, pauseMs = 50 } = {},
): Promise<Exclude<T, undefined | false>> {
  const since = performance.now()
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>
    if (performance.now() - since > limitMs) throw new Error(`Not within ${limitMs} ms: ${String(look)}`)
    await delay(pauseMs)
  }
}
