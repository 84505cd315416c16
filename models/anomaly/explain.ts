import { FEATURES, type Feature, type PerFeature } from './features.js'
import type { Band, JudgedInterval } from './verdict.js'

const NORMAL = 'Traffic patterns are within normal parameters.'

const NAMES: PerFeature<string> = {
  requests_per_second: 'Traffic',
  avg_latency_ms: 'average latency',
  p95_latency_ms: 'p95 latency',
  p99_latency_ms: 'p99 latency',
  error_rate: 'error rate',
}

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const

/** From this share on a feature is mentioned. */
const WORTH_MENTIONING = 0.2

/**
 * A verdict in a sentence: for each feature that drove it, the strongest first, the measured and the expected value,
 * the moment that the expectation is for, and its share. Of the three latencies only the strongest is named.
 */
export function explain(
  anomaly: boolean,
  { interval, moment, deviation }: JudgedInterval,
  expected: PerFeature<Band>,
  contributions: PerFeature<number>,
): string {
  if (!anomaly) return NORMAL
  const strongest = [...FEATURES]
    .sort((a, b) => contributions[b] - contributions[a])
    .filter((feature, place) => place === 0 || contributions[feature] >= WORTH_MENTIONING)
    .filter((feature, index, all) => index === all.findIndex((other) => kindOf(other) === kindOf(feature)))
  const parts = strongest.map((feature, place) => {
    const band = expected[feature]
    const range = `expected ${rangeOf(feature, band)}${place === 0 ? ` for ${momentText(moment.minuteOfWeek)}` : ''}`
    const value = interval[feature]
    const comparison = compare(value, band.value, deviation[feature].z > 0)
    return `${NAMES[feature]} ${show(feature, value)}${comparison}, ${range}; ${Math.round(100 * shareOf(feature, contributions))} % of the score`
  })
  const text = parts.join('; ')
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`
}

/** The latencies that are not named count with the one that is. */
function shareOf(feature: Feature, contributions: PerFeature<number>): number {
  return FEATURES.filter((other) => kindOf(other) === kindOf(feature)).reduce(
    (sum, other) => sum + contributions[other],
    0,
  )
}

function kindOf(feature: Feature): string {
  return feature.endsWith('_latency_ms') ? 'latency' : feature
}

function momentText(minuteOfWeek: number): string {
  const minute = minuteOfWeek % 1440
  const two = (value: number) => String(value).padStart(2, '0')
  return `${DAYS[Math.floor(minuteOfWeek / 1440)]} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}

function rangeOf(feature: Feature, { lower, upper }: Band): string {
  const [from, to] = [bare(feature, lower), bare(feature, upper)]
  return `${from}–${to}${unitOf(feature)}`
}

function compare(value: number, usual: number, isAbove: boolean): string {
  const times = value / usual
  if (isAbove) return times >= 1.95 && times < Infinity ? ` (${format(times, 2)} times the usual)` : ''
  if (value === 0) return ''
  return times <= 0.6 ? ` (${format(100 * times, 2)} % of the usual)` : ''
}

function show(feature: Feature, value: number): string {
  return `${bare(feature, value)}${unitOf(feature)}`
}

function bare(feature: Feature, value: number): string {
  return format(feature === 'error_rate' ? 100 * value : value)
}

function unitOf(feature: Feature): string {
  if (feature === 'error_rate') return ' %'
  return feature === 'requests_per_second' ? ' requests/s' : ' ms'
}

/** So many significant digits and no fewer than the whole part, without an exponent below a million. */
function format(value: number, digits = 3): string {
  if (value >= 1e6) return value.toExponential(2)
  return String(value >= 10 ** (digits - 1) ? Math.round(value) : Number(value.toPrecision(digits)))
}
