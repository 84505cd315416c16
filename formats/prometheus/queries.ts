/** Units that products measure latencies in, in milliseconds. */
export const LATENCY_UNITS = { seconds: 1000, milliseconds: 1 } as const

export type LatencyUnit = keyof typeof LATENCY_UNITS

/** The figures of a minute, in the order in which they are asked for. */
export const FIGURES = ['requests', 'errors', 'avgLatency', 'p95Latency', 'p99Latency'] as const

export type Figure = (typeof FIGURES)[number]

/** Expressions of PromQL for the figures of a gateway. `$window` in them is the range of a rate. */
export interface PrometheusQueries extends Readonly<Partial<Record<Figure, string>>> {
  /** Requests per second. */
  readonly requests: string
  /** Requests per second that were answered with 400 or above. */
  readonly errors: string
  readonly latencyUnit: LatencyUnit
  /** A selector of a counter, from which the interval of the scrapes is measured; null when none is known. */
  readonly counter: string | null
}

/** A selector of series: `name{a="b",c="d"}`. Empty matchers are left out. */
export function selectorOf(name: string, ...matchers: readonly string[]): string {
  const given = matchers.filter((matcher) => matcher !== '')
  return given.length === 0 ? name : `${name}{${given.join(',')}}`
}

/** The rate of a counter, summed over all of its series. */
export function sumOfRates(name: string, ...matchers: readonly string[]): string {
  return `sum(rate(${selectorOf(name, ...matchers)}[$window]))`
}

/** The latencies of a classic histogram, whose series are name_bucket, name_sum and name_count. */
export function histogramLatencies(
  name: string,
  matchers: string,
): Pick<PrometheusQueries, 'avgLatency' | 'p95Latency' | 'p99Latency'> {
  const buckets = `sum by (le) (rate(${selectorOf(`${name}_bucket`, matchers)}[$window]))`
  return {
    avgLatency: `${sumOfRates(`${name}_sum`, matchers)} / ${sumOfRates(`${name}_count`, matchers)}`,
    p95Latency: `histogram_quantile(0.95, ${buckets})`,
    p99Latency: `histogram_quantile(0.99, ${buckets})`,
  }
}

const MATCHER = String.raw`\s*[a-zA-Z_]\w*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*"\s*`
const MATCHERS = new RegExp(`^${MATCHER}(?:,${MATCHER})*$`)

/** Whether a text is a list of label matchers, as `entrypoint="web",code!="404"`. */
export function isMatchers(text: string): boolean {
  return MATCHERS.test(text)
}

/** An expression with the window in it. */
export function withWindow(expression: string, windowSeconds: number): string {
  return expression.replaceAll('$window', `${windowSeconds}s`)
}
