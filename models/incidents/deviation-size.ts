import { DEFAULT_EFFECTS } from '../anomaly/effects.js'
import { EXCESS_HARM, SLOWER } from '../anomaly/harm.js'
import { mapKinds, type PerKind } from '../anomaly/kinds.js'
import type { SeriesMinute } from './series-minute.js'

/**
 * How far a minute deviates in each kind, 0 where it does not:
 * - traffic_spike: requests too many, as a multiple of the expected ones;
 * - traffic_drop: requests missing, as a share of the expected ones, 0…1;
 * - latency_spike: how much longer the average latency is than usual, as a multiple of it; NaN where not known;
 * - error_rate_spike: requests that failed more than usual, as a share of the requests, 0…1.
 */
export type DeviationSizes = PerKind<number>

/** Requests that are added to those of a minute: few requests deviate little. As in `harmOf`. */
const FEW_REQUESTS = 5

/** Nobody notices multiples of a shorter latency, ms. */
const MIN_LATENCY_MS = 5

/** Smaller deviations do not matter. */
export const MIN_SIZES: DeviationSizes = {
  traffic_spike: DEFAULT_EFFECTS.traffic,
  traffic_drop: DEFAULT_EFFECTS.traffic,
  latency_spike: DEFAULT_EFFECTS.latency,
  error_rate_spike: DEFAULT_EFFECTS.errors,
}

/** The sizes of the deviations of a minute, see {@link DeviationSizes}. */
export function deviationSizes(minute: SeriesMinute): DeviationSizes {
  const { requests, failed, expected } = minute
  const more = (requests - expected.requests) / (expected.requests + FEW_REQUESTS)
  return {
    traffic_spike: Math.max(0, more),
    traffic_drop: Math.max(0, -more),
    latency_spike: longer(minute),
    error_rate_spike: Math.max(0, (failed - expected.failed) / (requests + FEW_REQUESTS)),
  }
}

function longer({ requests, latencyMs, expected }: SeriesMinute): number {
  if (requests === 0) return 0
  if (latencyMs === null || expected.latencyMs === null) return NaN
  return Math.max(0, (latencyMs - expected.latencyMs) / Math.max(expected.latencyMs, MIN_LATENCY_MS))
}

/** Standard deviations of a count that chance explains. */
const CHANCE = 3

/**
 * What chance alone may add to the sizes of a minute: three standard deviations of Poisson counts, and of the mean of
 * latencies whose standard deviation is as large as their mean.
 */
export function sizesByChance({ requests, expected }: SeriesMinute): DeviationSizes {
  const traffic = (CHANCE * Math.sqrt(Math.max(0.5, expected.requests))) / (expected.requests + FEW_REQUESTS)
  return {
    traffic_spike: traffic,
    traffic_drop: traffic,
    latency_spike: CHANCE / Math.sqrt(Math.max(1, requests)),
    error_rate_spike: (CHANCE * Math.sqrt(Math.max(0.5, expected.failed))) / (requests + FEW_REQUESTS),
  }
}

/** The share of the requests that deviations of these sizes harm, 0…1; as in `harmOf`. */
export function harmOfSizes(sizes: DeviationSizes): number {
  const { traffic_spike: excess, traffic_drop: missing, error_rate_spike: failed } = sizes
  const slower = (1 + (sizes.latency_spike || 0) - SLOWER.from) / (SLOWER.to - SLOWER.from)
  const slow = Math.min(1, Math.max(0, slower))
  return Math.max(1 - (1 - failed) * (1 - slow), missing, (EXCESS_HARM * excess) / (1 + excess))
}

/** The larger size of each kind. What is not known counts as none. */
export function largerSizes(a: DeviationSizes, b: DeviationSizes): DeviationSizes {
  return mapKinds((kind) => Math.max(a[kind] || 0, b[kind] || 0))
}

/** A deviation is similar up to so many times the size of another one. */
const SIMILAR = 1.5

/**
 * Up to which size a deviation is similar to one of another size. At most {@link SIMILAR} times as much is too much, and
 * of what is a share, at least two thirds of the rest are still well: 20 % failed requests are similar to at most 30 %,
 * and 80 % to at most 87 %.
 */
export function similarShare(share: number): number {
  return Math.min(SIMILAR * share, 1 - (1 - share) / SIMILAR)
}

/** The same for each kind. Deviations that do not matter are always similar. */
export function similarSizes(sizes: DeviationSizes): DeviationSizes {
  const limits: DeviationSizes = {
    traffic_spike: SIMILAR * sizes.traffic_spike,
    traffic_drop: similarShare(sizes.traffic_drop),
    latency_spike: SIMILAR * sizes.latency_spike,
    error_rate_spike: similarShare(sizes.error_rate_spike),
  }
  return mapKinds((kind) => Math.max(MIN_SIZES[kind], limits[kind]))
}
