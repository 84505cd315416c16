import { quantile, quantileSorted } from '../statistics/quantile.js'

/** How far values scatter about the expected one, on their scale. */
export interface Noise {
  /** Standard deviation whatever the number of requests, above 0. */
  readonly sigma: number
  /** Times the sampling term: the variance that few requests add. */
  readonly sampling: number
  /** Factors on both by local hour of the day. */
  readonly hours: Float64Array
  /** Factors that long tails ask for, 1 to 2. */
  readonly up: number
  readonly down: number
}

const SIGMAS_PER_MAD = 1.4826

/** Groups of minutes with about the same number of requests. */
const BINS = 8

/** An hour with so many minutes is believed half. */
const HALF_BELIEVED = 60
const HOUR_RANGE = { least: 0.7, most: 2 }

/** The 95th percentile of the standard normal distribution. */
const NORMAL_Q95 = 1.645
const MOST_TAIL = 2

/**
 * Splits the scatter of residuals into what is always there and what few requests add: the robust variance (1.4826
 * MAD, squared) of eight groups by sampling term is regressed on it, both parts not negative. Then the spread of each
 * hour of the day, shrunk towards 1, and the tails. Medians throughout, so that up to a tenth of incidents in the
 * history changes little.
 *
 * @param residuals from the expected values, on the scale of the feature
 * @param terms the sampling term of each
 * @param hours the local hour of the day of each
 * @param least the smallest sigma, and the smallest factor on the sampling term
 */
export function fitNoise(
  residuals: Float64Array,
  terms: Float64Array,
  hours: Uint8Array,
  least: { readonly sigma: number; readonly sampling: number },
): Noise {
  if (residuals.length === 0) return { ...least, hours: new Float64Array(24).fill(1), up: 1, down: 1 }
  const { sigma, sampling } = components(residuals, terms, least)
  const standard = residuals.map((each, i) => each / Math.sqrt(sigma ** 2 + sampling * terms[i]!))
  const byHour = Array.from({ length: 24 }, (_, hour) => standard.filter((_, i) => hours[i] === hour))
  const spreads = Float64Array.from(byHour, hourSpread)
  const z = standard.map((each, i) => each / spreads[hours[i]!]!).sort()
  const tail = (value: number) => Math.min(MOST_TAIL, Math.max(1, value / NORMAL_Q95))
  return {
    sigma,
    sampling,
    hours: spreads,
    up: tail(quantileSorted(z, 0.95)),
    down: tail(-quantileSorted(z, 0.05)),
  }
}

/** One standard deviation on the scale of the feature. */
export function sigmaAt({ sigma, sampling, hours }: Noise, term: number, hour: number): number {
  return Math.sqrt(sigma ** 2 + sampling * term) * hours[hour]!
}

function components(
  residuals: Float64Array,
  terms: Float64Array,
  least: { readonly sigma: number; readonly sampling: number },
): { sigma: number; sampling: number } {
  const order = [...terms.keys()].sort((a, b) => terms[a]! - terms[b]!)
  const bins = Array.from({ length: BINS }, (_, bin) => {
    const from = Math.floor((bin * order.length) / BINS)
    const indexes = order.slice(from, Math.floor(((bin + 1) * order.length) / BINS))
    if (indexes.length === 0) return null
    const spread =
      SIGMAS_PER_MAD *
      quantile(
        indexes.map((i) => Math.abs(residuals[i]!)),
        0.5,
      )
    return { x: indexes.reduce((sum, i) => sum + terms[i]!, 0) / indexes.length, v: spread ** 2 }
  }).filter((bin) => bin !== null)
  const floor = least.sigma ** 2
  const { intercept, slope } = line(bins)
  const sampling = Math.max(least.sampling, slope)
  const rest = bins.map(({ x, v }) => v - sampling * x)
  const variance = sampling === slope ? intercept : quantile(rest, 0.5)
  return { sigma: Math.sqrt(Math.max(floor, variance)), sampling }
}

/** Least squares of v on x, weighted by 1 / v² as the error of a variance grows with it; both parts not negative. */
function line(points: readonly { x: number; v: number }[]): { intercept: number; slope: number } {
  const weighted = points.map(({ x, v }) => ({ x, v, w: 1 / Math.max(v, 1e-12) ** 2 }))
  const sum = (of: (point: { x: number; v: number; w: number }) => number) =>
    weighted.reduce((total, point) => total + of(point), 0)
  const w = sum((p) => p.w)
  const [mx, mv] = [sum((p) => p.w * p.x) / w, sum((p) => p.w * p.v) / w]
  const sxx = sum((p) => p.w * (p.x - mx) ** 2)
  const slope = sxx > 1e-18 * w ? Math.max(0, sum((p) => p.w * (p.x - mx) * (p.v - mv)) / sxx) : 0
  const intercept = mv - slope * mx
  if (intercept >= 0) return { intercept, slope }
  return { intercept: 0, slope: sum((p) => p.w * p.x * p.v) / sum((p) => p.w * p.x ** 2) }
}

function hourSpread(standard: Float64Array): number {
  if (standard.length === 0) return 1
  const own = (SIGMAS_PER_MAD * quantile(standard.map(Math.abs), 0.5)) ** 2
  const variance = (standard.length * own + HALF_BELIEVED) / (standard.length + HALF_BELIEVED)
  return Math.min(HOUR_RANGE.most, Math.max(HOUR_RANGE.least, Math.sqrt(variance)))
}
