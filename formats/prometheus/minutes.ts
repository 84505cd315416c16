import { MINUTE_MS } from '../../models/traffic/durations.js'
import { LATENCY_UNITS, type Figure, type LatencyUnit } from './queries.js'

/** A minute of a gateway, from Prometheus. */
export interface PrometheusMinute {
  /** When it began, ms since 1970. */
  readonly timeMs: number
  /** Need not be whole numbers. */
  readonly requests: number
  readonly errors: number
  /** In ms; null where Prometheus has none. */
  readonly avgLatency: number | null
  readonly p95Latency: number | null
  readonly p99Latency: number | null
}

/** The values of an expression by the time of their evaluation, ms since 1970. */
export type Series = ReadonlyMap<number, number>

/** Larger values come from a damaged counter. The models take no larger ones. */
const MAX_VALUE = 1e12

/** An answer that is not the one series that is asked for. The message says what it is instead. */
export class UnexpectedAnswer extends Error {}

/**
 * The series of the answer to a range query; empty when the answer has none.
 * @throws UnexpectedAnswer
 */
export function seriesOf(answer: unknown): Series {
  const { resultType, result } = dataOf(answer)
  if (resultType !== 'matrix' || !Array.isArray(result)) throw new UnexpectedAnswer('it is not a matrix')
  if (result.length > 1) {
    throw new UnexpectedAnswer(`it has ${result.length} series; sum() or avg() makes one of them`)
  }
  const [first] = result as { values?: unknown }[]
  const values = first?.values ?? []
  if (!Array.isArray(values)) throw new UnexpectedAnswer('it has no values')
  return new Map((values as [number, string][]).map(([seconds, text]) => [seconds * 1000, Number(text)]))
}

/** The labels of the first series of the answer to an instant query; undefined without one. */
export function labelsOf(answer: unknown): Readonly<Record<string, string>> | undefined {
  const { result } = dataOf(answer)
  return Array.isArray(result) ? (result as { metric?: Record<string, string> }[])[0]?.metric : undefined
}

function dataOf(answer: unknown): { resultType?: unknown; result?: unknown } {
  const data = (answer as { data?: unknown } | null)?.data
  if (typeof data !== 'object' || data === null) throw new UnexpectedAnswer('it is not that of Prometheus')
  return data
}

/**
 * The minutes of a range, in order of time. An expression is evaluated at the end of each minute. A minute without a
 * value of its requests is unknown, and left out. One that has requests but no errors has none: a counter of a status
 * appears with the first such answer.
 */
export function minutesOf(
  series: Readonly<Partial<Record<Figure, Series>>> & { readonly requests: Series },
  unit: LatencyUnit,
): PrometheusMinute[] {
  const minutes: PrometheusMinute[] = []
  for (const [endMs, rate] of [...series.requests].sort(([a], [b]) => a - b)) {
    const requests = (rate * MINUTE_MS) / 1000
    if (!isValue(requests)) continue
    const failed = ((series.errors?.get(endMs) ?? 0) * MINUTE_MS) / 1000
    const latency = (figure: Figure) => {
      const value = (series[figure]?.get(endMs) ?? NaN) * LATENCY_UNITS[unit]
      return isValue(value) && requests > 0 ? value : null
    }
    minutes.push({
      timeMs: endMs - MINUTE_MS,
      requests,
      errors: isValue(failed) ? Math.min(failed, requests) : 0,
      avgLatency: latency('avgLatency'),
      p95Latency: latency('p95Latency'),
      p99Latency: latency('p99Latency'),
    })
  }
  return minutes
}

/** False for NaN as well. */
function isValue(value: number): boolean {
  return value >= 0 && value <= MAX_VALUE
}

/** The longest time between two scrapes that is taken for their interval. */
const MAX_SCRAPE_SECONDS = 300

/**
 * The usual time between the samples of a series, in whole seconds.
 * @param answer to an instant query with a range
 * @returns undefined with fewer than three samples
 */
export function scrapeSeconds(answer: unknown): number | undefined {
  const times = [...seriesOf(answer).keys()]
  if (times.length < 3) return undefined
  const steps = times.slice(1).map((time, i) => time - times[i]!)
  const median = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)]!
  return Math.min(MAX_SCRAPE_SECONDS, Math.max(1, Math.round(median / 1000)))
}
