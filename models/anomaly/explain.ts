import { FEATURES, type Feature, type PerFeature } from './features.js'
import type { Band } from './verdict.js'

const NORMAL = 'Traffic patterns are within normal parameters.'

/** Robust deviations from which on a feature is mentioned. */
const WORTH_MENTIONING = 2.5

const NAMES: PerFeature<string> = {
  requests_per_second: 'Traffic',
  avg_latency_ms: 'Average latency',
  p95_latency_ms: '95th percentile latency',
  p99_latency_ms: '99th percentile latency',
  error_rate: 'Error rate',
}

/**
 * A verdict in words: for each feature that stands out, the strongest first, the measured and the usual value.
 * Of the three latencies only the strongest is named.
 *
 * @param bad deviations in the bad direction, in robust deviations
 */
export function explain(
  anomaly: boolean,
  measured: PerFeature<number>,
  expected: PerFeature<Band>,
  bad: PerFeature<number>,
): string {
  if (!anomaly) return NORMAL
  const strongest = FEATURES.filter((feature) => bad[feature] >= WORTH_MENTIONING)
    .sort((a, b) => bad[b] - bad[a])
    .filter((feature, index, all) => index === all.findIndex((other) => kindOf(other) === kindOf(feature)))
  return strongest.map((feature) => sentence(feature, measured[feature], expected[feature])).join(' ')
}

function kindOf(feature: Feature): string {
  return feature.endsWith('_latency_ms') ? 'latency' : feature
}

function sentence(feature: Feature, value: number, { value: usual, lower, upper }: Band): string {
  const range = `expected ${show(feature, lower)} to ${show(feature, upper)}`
  return `${NAMES[feature]} is ${show(feature, value)}, ${compare(value, usual)} ${show(feature, usual)} (${range}).`
}

function compare(value: number, usual: number): string {
  const times = value / usual
  if (value < usual) return value === 0 ? 'instead of the usual' : `${format(100 * times, 2)} % of the usual`
  return times >= 1.95 && times < Infinity ? `${format(times, 2)} times the usual` : 'above the usual'
}

function show(feature: Feature, value: number): string {
  if (feature === 'error_rate') return `${format(100 * value)} %`
  return feature === 'requests_per_second' ? `${format(value)} requests/s` : `${format(value)} ms`
}

/** So many significant digits and no fewer than the whole part, without an exponent below a million. */
function format(value: number, digits = 3): string {
  if (value >= 1e6) return value.toExponential(2)
  return String(value >= 10 ** (digits - 1) ? Math.round(value) : Number(value.toPrecision(digits)))
}
