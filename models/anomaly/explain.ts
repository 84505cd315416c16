import type { Decision } from './decision.js'
import type { Band } from './expected-band.js'
import { FEATURES, type Feature, type PerFeature } from './features.js'
import type { MeasuredInterval } from './measure.js'

const NORMAL = 'Traffic patterns are within normal parameters.'

const NAMES: PerFeature<string> = {
  requests_per_second: 'traffic',
  avg_latency_ms: 'average latency',
  p95_latency_ms: 'p95 latency',
  p99_latency_ms: 'p99 latency',
  error_rate: 'error rate',
}

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const

/** A contribution of at least this share is named. */
export const WORTH_MENTIONING = 0.2

/**
 * A verdict in a sentence or two. Each kind of figure that contributed is named, the strongest first: the measured
 * value, where it was expected, and its share of the score. The first also names the moment. A figure within its band is
 * given with its usual value, since a small deviation that lasts need not leave the band. Of the three latencies only
 * the strongest is named.
 *
 * @param contributions null when no figure exceeds one standard deviation
 */
export function explain(
  decision: Pick<Decision, 'anomaly' | 'confirmed' | 'minutes' | 'flapping'>,
  { interval, moment, deviation }: MeasuredInterval,
  expected: PerFeature<Band>,
  contributions: PerFeature<number> | null,
): string {
  if (!decision.anomaly) return NORMAL
  const lasting = lastingText(decision, interval.seconds)
  if (contributions === null) return `Nothing stands out in this minute.${lasting}`
  const parts = strongestOf(contributions).map(([feature, share], place) => {
    const value = interval[feature]
    const band = expected[feature]
    const isWithin = value >= band.lower && value <= band.upper
    const isAbove = deviation[feature].z > 0
    const usual = isWithin
      ? `, usually ${show(feature, band.value)}`
      : `${compare(value, band.value, isAbove)}, expected ${rangeOf(feature, band)}`
    const when = place === 0 ? ` for ${momentText(moment.minuteOfWeek)}` : ''
    return `${NAMES[feature]} ${show(feature, value)}${usual}${when}; ${Math.round(100 * share)} % of the score`
  })
  const text = parts.join('; ')
  return `${text[0]!.toUpperCase()}${text.slice(1)}.${lasting}`
}

function lastingText(
  { confirmed, minutes, flapping }: Pick<Decision, 'confirmed' | 'minutes' | 'flapping'>,
  seconds: number,
): string {
  const alarm = confirmed && minutes >= 1.5 ? ` In alarm for ${Math.round(minutes)} minutes.` : ''
  if (flapping === null) return alarm
  const reports = seconds === 60 ? 'minutes' : 'reports'
  return `${alarm} Flapping: ${flapping.anomalous} of the last ${flapping.reports} ${reports} are anomalous.`
}

/** The strongest figure of each kind that is worth mentioning, with the share of the whole kind. */
function strongestOf(contributions: PerFeature<number>): [Feature, number][] {
  const byShare = [...FEATURES].sort((a, b) => contributions[b] - contributions[a])
  return byShare
    .filter((feature, index) => index === byShare.findIndex((other) => kindOf(other) === kindOf(feature)))
    .map((feature): [Feature, number] => [feature, shareOf(feature, contributions)])
    .sort(([, a], [, b]) => b - a)
    .filter(([, share], place) => place === 0 || share >= WORTH_MENTIONING)
}

/** The share of a figure includes the latencies that are not named. */
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

/** Rounded to significant digits, but never within the whole part. Values from a million on have an exponent. */
function format(value: number, digits = 3): string {
  if (value >= 1e6) return value.toExponential(2)
  return String(value >= 10 ** (digits - 1) ? Math.round(value) : Number(value.toPrecision(digits)))
}
