/**
 * What requests cost, in milliseconds of backend time: by path template, with all its methods. Weights are whole numbers
 * from 1.
 */
export interface RequestCosts {
  readonly weights: ReadonlyMap<string, number>
  /** Of a request of any other path. */
  readonly defaultWeight: number
  /** Path templates without a latency, which cost the default. Left out: it is not known. */
  readonly untimed?: readonly string[]
  /** Latencies that were longer than a weight may be, and have no part in the weights. */
  readonly overlong?: number
}

/** Longer latencies are errors of a clock, or connections that were held open: a few of them would decide a mean. */
export const MAX_COUNTED_LATENCY_MS = 600_000

/** A path template with its requests and their latencies. */
interface TimedEndpoint {
  readonly endpoint: string
  readonly latencySumMs: number
  /** Requests whose latency is known. */
  readonly latencies: number
  /** Of the latencies up to {@link MAX_COUNTED_LATENCY_MS}; left out: all of them are. */
  readonly countedSumMs?: number
  /** How many latencies are longer. */
  readonly overlong?: number
}

/** What a request of a path template costs. */
export function weightOf({ weights, defaultWeight }: RequestCosts, path: string): number {
  return weights.get(path) ?? defaultWeight
}

/** The dearest of several requests. */
export function dearestOf({ weights, defaultWeight }: RequestCosts): { path: string | null; weight: number } {
  let dearest: { path: string | null; weight: number } = { path: null, weight: defaultWeight }
  for (const [path, weight] of weights) if (weight > dearest.weight) dearest = { path, weight }
  return dearest
}

/**
 * The weights of path templates: their mean latency in whole milliseconds, at least 1. Latencies longer than
 * {@link MAX_COUNTED_LATENCY_MS} do not count. Requests without a name cost the
 * mean of those, or of all where none of those has a latency; so does an endpoint without latencies.
 *
 * @param endpoints each path template once
 * @param other requests of no endpoint
 * @returns null where no latency is known at all
 */
export function costsByLatency(
  endpoints: readonly TimedEndpoint[],
  other: readonly TimedEndpoint[],
): RequestCosts | null {
  const defaultWeight = meanLatency(other) ?? meanLatency(endpoints)
  if (defaultWeight === null) return null
  const weights = new Map(
    endpoints.map((each) => [each.endpoint, meanLatency([each]) ?? defaultWeight] as const),
  )
  const untimed = endpoints.filter((each) => meanLatency([each]) === null).map(({ endpoint }) => endpoint)
  const overlong = [...endpoints, ...other].reduce((sum, each) => sum + (each.overlong ?? 0), 0)
  return { weights, defaultWeight, untimed, overlong }
}

const MAX_NAMED = 5

/** What a person should know of the weights before limits count them; a sentence each. */
export function costWarnings({ untimed = [], overlong = 0, defaultWeight }: RequestCosts): string[] {
  const rest = untimed.length > MAX_NAMED ? ` and ${untimed.length - MAX_NAMED} more` : ''
  const named = untimed.slice(0, MAX_NAMED).join(', ') + rest
  return [
    ...(untimed.length > 0
      ? [`No latency is known of ${named}: a request there has the default weight of ${defaultWeight} ms.`]
      : []),
    ...(overlong > 0
      ? [`Latencies longer than 10 minutes do not count in the weights: there are ${overlong}.`]
      : []),
  ]
}

function meanLatency(endpoints: readonly TimedEndpoint[]): number | null {
  const latencies = endpoints.reduce((sum, each) => sum + each.latencies - (each.overlong ?? 0), 0)
  if (latencies === 0) return null
  const sum = endpoints.reduce((total, each) => total + (each.countedSumMs ?? each.latencySumMs), 0)
  return Math.max(1, Math.round(sum / latencies))
}
