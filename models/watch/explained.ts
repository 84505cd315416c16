import type { AnomalyType } from '../anomaly/verdict.js'
import type { SeriesMinute } from '../incidents/series-minute.js'
import { mixtureQuantile, type Latencies } from './mixture.js'

/** A minute of a series with the latencies that it had, and those that were expected of it. */
export interface DetailedMinute {
  readonly minute: SeriesMinute
  readonly latencies: Latencies
  readonly expected: Latencies
  /** An endpoint that the gateway's model has not seen, or hardly. */
  readonly isNew?: boolean
}

/** What is compared. */
type Quantity = 'requests' | 'failed' | keyof Latencies

const ALL: readonly Quantity[] = ['requests', 'failed', 'avg', 'p95', 'p99']
const QUANTITIES: Readonly<Record<AnomalyType, readonly Quantity[]>> = {
  traffic_spike: ['requests'],
  traffic_drop: ['requests'],
  latency_spike: ['avg', 'p95', 'p99'],
  error_rate_spike: ['failed'],
  pattern_anomaly: ALL,
  multi_dimensional: ALL,
}

/** The endpoints explain the gateway if what they leave is at most this share of its deviation, */
const MAX_LEFT = 0.5

/** and at most this, as a logarithm of a ratio: a smaller deviation matters to nobody. */
const MAX_RATIO = Math.log(1.25)

/** A smaller deviation of the gateway, as a logarithm of a ratio, is none that could be explained. */
const MIN_DEVIATION = 0.1

/** Endpoints with less than this share of the gateway's requests together explain nothing. */
const MIN_COVERED = 0.8

/**
 * Whether the endpoints' own expectations explain why the gateway deviates from its own: a new endpoint adds traffic, a
 * job of one endpoint has moved, slow endpoints have a larger share of the requests. What is expected of the parts is
 * expected of the whole (reconciliation of hierarchical forecasts: Hyndman and Athanasopoulos 2021, "Forecasting",
 * chapter 11). The percentiles of the whole are those of the mixture of its parts.
 *
 * @param gateway a minute of the gateway with an alarm
 * @param parts the minutes of its endpoints. One that is not judged yet is expected to be as it is
 */
export function isExplained(gateway: DetailedMinute, parts: readonly DetailedMinute[]): boolean {
  const { alarm, requests, expected } = gateway.minute
  if (alarm === null) return false
  const covered = sum(parts, ({ minute }) => minute.requests)
  const usual = sum(parts, ({ minute }) => minute.expected.requests)
  if (Math.max(covered, usual) < MIN_COVERED * Math.max(requests, expected.requests)) return false
  const compared = QUANTITIES[alarm.type].map((quantity) => ({
    quantity,
    ...deviationsIn(quantity, gateway, parts),
  }))
  return (
    compared.some(({ ofItself }) => Math.abs(ofItself) >= MIN_DEVIATION) &&
    compared.every(({ quantity, ofItself, ofParts }) => {
      const most = Math.max(MIN_DEVIATION, MAX_LEFT * Math.abs(ofItself))
      return leftOf(quantity, ofItself, ofParts) <= Math.min(MAX_RATIO, most)
    })
  )
}

/**
 * What the parts leave of a deviation. Fewer failures and faster responses than they expect are none. Nor is less of a
 * deviation in traffic: the gateway's own level has followed a new endpoint, which is counted among the parts again.
 */
function leftOf(quantity: Quantity, ofItself: number, ofParts: number): number {
  if (quantity !== 'requests') return ofParts
  return Math.abs(ofItself) < MIN_DEVIATION ? Math.abs(ofParts) : Math.sign(ofItself) * ofParts
}

/** The gateway's deviations from what is expected of it, and of its endpoints: logarithms of ratios. */
interface Deviations {
  readonly ofItself: number
  readonly ofParts: number
}

const NO_DEVIATION: Deviations = { ofItself: 0, ofParts: 0 }

function deviationsIn(
  quantity: Quantity,
  { minute, latencies, expected }: DetailedMinute,
  parts: readonly DetailedMinute[],
): Deviations {
  if (quantity === 'requests' || quantity === 'failed') {
    const ofParts = sum(parts, (part) => part.minute.expected[quantity])
    return deviations(minute[quantity] + HALF, minute.expected[quantity] + HALF, ofParts + HALF)
  }
  const [seen, usual] = [latencies[quantity], expected[quantity]]
  if (seen === null || usual === null || !(seen > 0) || !(usual > 0)) return NO_DEVIATION
  if (quantity === 'avg') return deviations(seen, usual, averageOf(parts))
  return deviations(seen, usual, usual * changeOfMixture(parts, quantity === 'p95' ? 0.05 : 0.01))
}

/** Added to counts, so that each has a logarithm. */
const HALF = 0.5

function deviations(seen: number, usual: number, ofParts: number): Deviations {
  const left = Math.log(seen / ofParts)
  return { ofItself: Math.log(seen / usual), ofParts: Number.isNaN(left) ? Infinity : left }
}

/** The expected average latency of the requests that there were. */
function averageOf(parts: readonly DetailedMinute[]): number {
  const known = parts.filter(({ expected }) => expected.avg !== null)
  const n = sum(known, ({ minute }) => minute.requests)
  return sum(known, ({ minute, expected }) => (minute.requests / n) * expected.avg!)
}

/**
 * How a percentile changes when the endpoints have the requests that they had, instead of the expected ones of those
 * endpoints that the gateway's model knows: a ratio.
 */
function changeOfMixture(parts: readonly DetailedMinute[], share: number): number {
  const of = (some: readonly DetailedMinute[], requests: (minute: SeriesMinute) => number) =>
    mixtureQuantile(
      some.map(({ minute, expected }) => ({ requests: requests(minute), latencies: expected })),
      share,
    )
  const known = parts.filter(({ isNew }) => isNew !== true)
  return of(parts, (minute) => minute.requests) / of(known, (minute) => minute.expected.requests)
}

function sum<T>(parts: readonly T[], of: (part: T) => number): number {
  return parts.reduce((total, part) => total + of(part), 0)
}
