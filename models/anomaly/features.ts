/** The features of an interval of traffic, in the order of every matrix of this folder. */
export const FEATURES = [
  'requests_per_second',
  'avg_latency_ms',
  'p95_latency_ms',
  'p99_latency_ms',
  'error_rate',
] as const

export type Feature = (typeof FEATURES)[number]
export const N_FEATURES = FEATURES.length

/** Latencies may be unknown: many access logs have none. */
export const isLatency = (feature: Feature) => feature !== 'requests_per_second' && feature !== 'error_rate'

/** A value for each feature. */
export type PerFeature<T> = Readonly<Record<Feature, T>>

/** One interval: requests per second, milliseconds (NaN for a latency that is not known), a share 0…1. */
export interface Interval extends PerFeature<number> {
  /** Length of the interval. */
  readonly seconds: number
  /** Requests that the latencies and the error rate rest on. */
  readonly requests: number
  /** They are too few: latencies and error rate are not judged. */
  readonly trafficOnly?: boolean
}

/** The intervals of a training matrix `[nSamples, 5]`, row-major, each with the same length in seconds. */
export function* intervalsOf(samples: Float64Array, seconds: number): Generator<Interval> {
  for (let start = 0; start < samples.length; start += N_FEATURES) {
    const row = mapFeatures((_, index) => samples[start + index]!)
    yield { ...row, seconds, requests: row.requests_per_second * seconds }
  }
}

/** Applies a function to each feature. Spelled out because every verdict calls it. */
export function mapFeatures<T>(value: (feature: Feature, index: number) => T): PerFeature<T> {
  return {
    requests_per_second: value('requests_per_second', 0),
    avg_latency_ms: value('avg_latency_ms', 1),
    p95_latency_ms: value('p95_latency_ms', 2),
    p99_latency_ms: value('p99_latency_ms', 3),
    error_rate: value('error_rate', 4),
  }
}
