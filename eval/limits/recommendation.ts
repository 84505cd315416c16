import { RateOptimizerFit } from '../../models/optimizer/fit.js'
import { recommend } from '../../models/optimizer/recommend.js'
import type { RateLimitRecommendation } from '../../models/rate-limit/recommendation.js'
import type { Requests } from './events.js'
import { TIERS } from '../../models/rate-limit/tiers.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

const PATH = '/'

/** The recommendation of the service for each client, with tier default and strategy balanced. */
export function recommendation({
  timeMs,
  client,
}: Pick<Requests, 'timeMs' | 'client'>): RateLimitRecommendation {
  const rollup = { method: '', path: PATH, ...byMinute(timeMs), latencySumMs: 0, latencies: 0, errors: 0 }
  const fit = new RateOptimizerFit([rollup], { excluded: [], seed: 1, nobody: 0xffffffff })
  fit.arrivals.add({ length: timeMs.length, timeMs, client, endpoint: new Uint8Array(timeMs.length).fill(1) })
  return recommend({
    endpoint: PATH,
    tier: TIERS.default,
    strategy: 'balanced',
    scope: 'client',
    currentLimit: null,
    model: fit.model((client) => ({ client: String(client), kind: 'user' })).byTemplate.get(PATH)!,
  })
}

export function byMinute(timeMs: Float64Array) {
  const counts = new Map<number, number>()
  for (const time of timeMs) {
    const minute = Math.floor(time / MINUTE_MS)
    counts.set(minute, (counts.get(minute) ?? 0) + 1)
  }
  return { minutes: Float64Array.from(counts.keys()), counts: Float64Array.from(counts.values()) }
}
