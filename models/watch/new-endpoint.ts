import type { Expectation } from '../anomaly/expectation.js'
import { mapFeatures, type PerFeature } from '../anomaly/features.js'
import { toScale } from '../anomaly/scales.js'
import { NEUTRAL } from '../anomaly/thresholds.js'
import { quantile } from '../statistics/quantile.js'
import { MAX_USUAL_ERRORS } from '../stream/warm-up.js'
import { WEEK_MINUTES } from './clock.js'
import type { TrafficMinute } from './endpoint-minute.js'
import { MIN_REQUESTS } from './fit-endpoint.js'
import { MIN_LOG_RATE } from './log-rate.js'
import { usualOf } from './usual.js'
import type { WatchedEndpoint, WatchModel } from './watch-model.js'

/** What the first minutes of a new endpoint say. Plain JSON. */
export interface NewEndpoint {
  readonly firstSeenMs: number
  /** Its last minute with a request. */
  readonly lastMs: number
  /** Its first minutes, while they are not enough: requests, failed, latencies (null where not known), expected rhythm. */
  readonly rows: readonly FirstMinute[]
  /** Its levels, null for latencies that are not known; null while its first minutes are not enough. */
  readonly levels: PerFeature<number | null> | null
}

type FirstMinute = readonly [
  requests: number,
  failed: number,
  avgMs: number | null,
  p95Ms: number | null,
  p99Ms: number | null,
  rhythm: number,
]

/** Minutes that the levels are learned from, and the requests that they need; in any case not more than so many minutes. */
const FIRST_MINUTES = { least: 30, requests: 60, most: 120 }

/** Minutes with a latency that show what is usual. */
const MIN_VALUES = 10

export function beginEndpoint(firstSeenMs: number): NewEndpoint {
  return { firstSeenMs, lastMs: firstSeenMs, rows: [], levels: null }
}

/**
 * A new endpoint after a minute. Its levels are those of its first half hour, or of its first two hours when it has few
 * requests: the median of its rate relative to the gateway's rhythm, and of its latencies.
 *
 * @param rhythm the gateway's at this minute, see `rhythmOf`
 */
export function learnEndpoint(endpoint: NewEndpoint, minute: TrafficMinute, rhythm: number): NewEndpoint {
  const { rows, levels } = endpoint
  if (levels !== null) return endpoint
  const { requests, failed, avgMs, p95Ms, p99Ms } = minute
  const known = (value: number) => (Number.isNaN(value) ? null : value)
  const learned = [...rows, [requests, failed, known(avgMs), known(p95Ms), known(p99Ms), rhythm] as const]
  const total = learned.reduce((sum, [n]) => sum + n, 0)
  const isEnough = learned.length >= FIRST_MINUTES.least && total >= FIRST_MINUTES.requests
  if (!isEnough && learned.length < FIRST_MINUTES.most) return { ...endpoint, rows: learned }
  return { ...endpoint, rows: [], levels: levelsOf(learned) }
}

function levelsOf(rows: readonly FirstMinute[]): PerFeature<number | null> {
  const latency = (index: 2 | 3 | 4, least: number) => {
    const values = rows.flatMap((row) => (row[0] >= least && row[index] !== null ? [row[index]] : []))
    return values.length < MIN_VALUES ? null : toScale('avg_latency_ms', quantile(values, 0.5))
  }
  const n = rows.reduce((sum, row) => sum + row[0], 0)
  const failed = rows.reduce((sum, row) => sum + row[1], 0)
  return {
    requests_per_second: trafficLevel(rows),
    avg_latency_ms: latency(2, MIN_REQUESTS.avg_latency_ms),
    p95_latency_ms: latency(3, MIN_REQUESTS.p95_latency_ms),
    p99_latency_ms: latency(4, MIN_REQUESTS.p99_latency_ms),
    error_rate: toScale('error_rate', Math.min(MAX_USUAL_ERRORS, n > 0 ? failed / n : 0)),
  }
}

/** Rows that are summed before their median is taken. */
const BLOCK = 5

/** The logarithm of the endpoint's rate over the gateway's: the median of blocks of minutes, or the mean when it is 0. */
function trafficLevel(rows: readonly FirstMinute[]): number {
  const ratio = (block: readonly FirstMinute[]) => {
    const expected = block.reduce((sum, row) => sum + Math.exp(row[5]), 0)
    return block.reduce((sum, row) => sum + row[0], 0) / expected
  }
  const blocks = Array.from({ length: Math.ceil(rows.length / BLOCK) }, (_, i) =>
    ratio(rows.slice(i * BLOCK, (i + 1) * BLOCK)),
  )
  const middle = quantile(blocks, 0.5)
  return Math.max(MIN_LOG_RATE - 20, Math.log(middle > 0 ? middle : Math.max(1e-12, ratio(rows))))
}

const FLAT = new Float64Array(WEEK_MINUTES)

/** What is expected of a new endpoint: the gateway's rhythm at its own level, with the noise that is typical. */
export function newEndpointModel(
  { rhythm, typical }: Pick<WatchModel, 'rhythm' | 'typical'>,
  endpoint: string,
  { firstSeenMs, levels }: NewEndpoint,
  day: number,
): WatchedEndpoint {
  const expectations = mapFeatures((feature): Expectation => {
    const isTraffic = feature === 'requests_per_second'
    const own = levels?.[feature] ?? null
    const value = own ?? 0
    const level = { firstDay: day, levels: Float64Array.of(value), recent: value, slope: 0 }
    return {
      usual: usualOf({ smooth: isTraffic ? rhythm : FLAT, sharp: FLAT, level }, isTraffic),
      noise: typical[feature],
      isRecorded: own !== null,
    }
  })
  const rate = rhythm.reduce((sum, value) => sum + Math.exp(value + (levels?.requests_per_second ?? 0)), 0)
  return {
    endpoint,
    firstSeenMs,
    minutes: FIRST_MINUTES.least,
    requestsPerSecond: rate / rhythm.length / 60,
    eventDays: 0,
    expectations,
    thresholds: NEUTRAL,
  }
}
