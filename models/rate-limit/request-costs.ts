/**
 * What requests cost, in milliseconds of backend time: by path template, with all its methods. Weights are whole numbers
 * from 1.
 */
export interface RequestCosts {
  readonly weights: ReadonlyMap<string, number>
  /** Of a request of any other path. */
  readonly defaultWeight: number
}

/** A path template with its requests and their latencies. */
interface TimedEndpoint {
  readonly endpoint: string
  readonly latencySumMs: number
  /** Requests whose latency is known. */
  readonly latencies: number
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
 * The weights of path templates: their mean latency in whole milliseconds, at least 1. Requests without a name cost the
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
  return { weights, defaultWeight }
}

function meanLatency(endpoints: readonly TimedEndpoint[]): number | null {
  const latencies = endpoints.reduce((sum, each) => sum + each.latencies, 0)
  if (latencies === 0) return null
  return Math.max(1, Math.round(endpoints.reduce((sum, each) => sum + each.latencySumMs, 0) / latencies))
}
