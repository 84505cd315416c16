import type { AnomalyType } from '../anomaly/verdict.js'
import type { SeriesMinute } from '../incidents/series-minute.js'

/** What is compared: requests, their average latency, and how many of them fail. */
type Quantity = 'requests' | 'latency' | 'failed'

const QUANTITIES: Readonly<Record<AnomalyType, readonly Quantity[]>> = {
  traffic_spike: ['requests'],
  traffic_drop: ['requests'],
  latency_spike: ['latency'],
  error_rate_spike: ['failed'],
  pattern_anomaly: ['requests', 'latency', 'failed'],
  multi_dimensional: ['requests', 'latency', 'failed'],
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
 * chapter 11). A tail that grows while the average does not deviate is not explained in this way.
 *
 * @param gateway a minute of the gateway with an alarm
 * @param parts the minutes of its endpoints. One that is not judged yet is expected to be as it is
 */
export function isExplained(gateway: SeriesMinute, parts: readonly SeriesMinute[]): boolean {
  if (gateway.alarm === null) return false
  const covered = sum(parts, ({ requests }) => requests)
  const usual = sum(parts, ({ expected }) => expected.requests)
  if (Math.max(covered, usual) < MIN_COVERED * Math.max(gateway.requests, gateway.expected.requests)) {
    return false
  }
  const compared = QUANTITIES[gateway.alarm.type].map((quantity) => deviations(gateway, parts, quantity))
  const deviates = ({ ofItself }: Deviations) => Math.abs(ofItself) >= MIN_DEVIATION
  return (
    compared.some(deviates) &&
    compared.every(({ ofItself, ofParts }) => {
      const most = Math.max(MIN_DEVIATION, MAX_LEFT * Math.abs(ofItself))
      return Math.abs(ofParts) <= Math.min(MAX_RATIO, most)
    })
  )
}

interface Deviations {
  readonly ofItself: number
  readonly ofParts: number
}

/** The gateway's deviations from what is expected of it, and of its endpoints: logarithms of ratios. */
function deviations(
  { requests, failed, latencyMs, expected }: SeriesMinute,
  parts: readonly SeriesMinute[],
  quantity: Quantity,
): Deviations {
  const ratio = (seen: number, own: number, ofParts: number) => ({
    ofItself: Math.log((seen + 0.5) / (own + 0.5)),
    ofParts: Math.log((seen + 0.5) / (ofParts + 0.5)),
  })
  if (quantity === 'requests') {
    return ratio(
      requests,
      expected.requests,
      sum(parts, (part) => part.expected.requests),
    )
  }
  if (quantity === 'failed') {
    return ratio(
      failed,
      expected.failed,
      sum(parts, (part) => part.expected.failed),
    )
  }
  const known = parts.filter((part) => part.latencyMs !== null && part.expected.latencyMs !== null)
  const n = sum(known, (part) => part.requests)
  if (latencyMs === null || expected.latencyMs === null || n === 0) return { ofItself: 0, ofParts: Infinity }
  return ratio(
    latencyMs,
    expected.latencyMs,
    sum(known, (part) => (part.requests / n) * part.expected.latencyMs!),
  )
}

function sum(parts: readonly SeriesMinute[], of: (part: SeriesMinute) => number): number {
  return parts.reduce((total, part) => total + of(part), 0)
}
