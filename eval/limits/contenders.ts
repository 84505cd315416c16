import type { ReplayRule } from '../../models/rate-limit/replay/replay.js'
import { quantile } from '../../models/statistics/quantile.js'
import { clientPeaks } from './client-peaks.js'
import type { Requests } from './events.js'
import { recommendation } from './recommendation.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** A method that derives a client limit from history. */
export interface Contender {
  readonly name: string
  readonly algorithm: 'token_bucket' | 'fixed_window'
  fit(history: Requests): ReplayRule
}

function recommended(history: Requests): ReplayRule {
  const { limit, burst, longWindow } = recommendation(history)
  const rule = { limit, burst, windowMs: MINUTE_MS }
  if (longWindow === null) return rule
  return { ...rule, longWindow: { limit: longWindow.limit, windowMs: longWindow.seconds * 1000 } }
}

/** Common rules based on the busiest minutes of the clients, with a window of one minute. */
function rival(name: string, statistic: (peaks: readonly number[]) => number): Contender {
  return {
    name,
    algorithm: 'fixed_window',
    fit(history) {
      const limit = Math.ceil(statistic(clientPeaks(history).map(({ minute }) => minute)))
      return { limit, burst: limit, windowMs: MINUTE_MS }
    },
  }
}

function meanPlusThreeSigma(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return mean + 3 * Math.sqrt(variance)
}

export const RECOMMENDED: Contender = {
  name: 'recommended',
  algorithm: 'token_bucket',
  fit: recommended,
}

export const CONTENDERS: readonly Contender[] = [
  RECOMMENDED,
  { name: 'recommended, as windows', algorithm: 'fixed_window', fit: recommended },
  rival('p99 of clients', (peaks) => quantile(peaks, 0.99)),
  rival('p99 × 1.5', (peaks) => 1.5 * quantile(peaks, 0.99)),
  rival('mean + 3σ', meanPlusThreeSigma),
]
