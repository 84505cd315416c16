import { grouped } from '../statistics/grouped.js'
import { quantile, quantileSorted } from '../statistics/quantile.js'
import { farIndexOf, scoreOf, type Chance } from './chance.js'

/** The noise of a feature around its expected value, on the feature's scale. */
export interface Noise {
  /** Standard deviation that does not depend on the number of requests, above 0. */
  readonly sigma: number
  /** Factor on the sampling term: the variance that the number of requests adds. */
  readonly sampling: number
  /** Factor on sigma² in the variance of a sum over minutes, divided by their number; 1 when they are independent. */
  readonly memory: number
  /** Factors on both, by local hour of the day, `[24]`, and by minute of the hour, `[60]`. */
  readonly hours: Float64Array
  readonly minutes: Float64Array
  /** Factors for long tails, 1 to 2; from 0.6 on for a percentile whose tail is known. */
  readonly up: number
  readonly down: number
  /** The tail index of a percentile that few requests skew, see tail-noise.ts; left out when it is not known. */
  readonly tail?: number
  /** The tail index of single rows far above the expected value, see chance.ts; left out when there are none. */
  readonly far?: number
}

/** Residuals from the expected values, on the scale of a feature. */
export interface Scatter {
  readonly residuals: Float64Array
  /** The sampling term of each. */
  readonly terms: Float64Array
  /** The local minute of each, since some midnight, in order of time. */
  readonly minutes: Float64Array
  /** Minutes that a row lasts; 1 when left out. */
  readonly rowMinutes?: number
  /** Of a percentile: its tail index. The sampling terms are 1 / shape then, see tail-noise.ts. */
  readonly tail?: number
  /** Whether single rows far above the expected value are learned from. */
  readonly learnsFar?: boolean
}

export const SIGMAS_PER_MAD = 1.4826

/** Groups of minutes by their number of requests. */
export const BINS = 8

/** The spread of an hour with this many minutes is shrunk half-way towards 1. */
export const HALF_BELIEVED = 60
export const HOUR_RANGE = { min: 0.7, max: 2 }

/** Ranks at which tails are compared with the standard normal distribution. */
export const TAIL = [
  { rank: 0.95, normal: 1.645 },
  { rank: 0.99, normal: 2.326 },
]
export const MAX_TAIL = 2
/** The smallest factor of a percentile that few requests skew. Other tails are not shorter than those of a normal variable. */
export const MIN_TAIL = 0.6
/** The tail of so many days counts half; that of two weeks counts nearly in full. */
export const HALF_TAIL_DAYS = 1
/** Residuals beyond this many standard deviations are incidents, not tails. */
export const FAR_OFF = 6

/** The largest factor of a minute of the hour. */
export const MAX_MINUTE = 4

/** The rank at which minutes of the hour are compared, lowered by so many standard deviations of the share of a sample. */
export const MINUTE_RANK = { rank: 0.9, certain: 3, min: 0.5 }

/** Rows of a block; means of neighbouring blocks are compared. */
export const BLOCK = 15
export const MAX_MEMORY = 20

/**
 * Fits the noise of residuals. The robust variance, (1.4826 MAD)², of eight groups by sampling term is regressed on the
 * term: the intercept is always there, the slope is what few requests add. Then come the spread of each hour of the day,
 * shrunk towards 1, and the tails. Medians keep the effect of incidents small, up to a tenth of the history.
 *
 * @param scatter of single minutes; without any, the noise is `least`
 * @param least the smallest sigma, and the smallest factor on the sampling term
 * @param pools data for both parts and the hours, when single minutes take only a few values
 */
export function fitNoise(
  scatter: Scatter,
  least: { readonly sigma: number; readonly sampling: number },
  pools = scatter,
): Noise {
  const { residuals, terms, minutes, rowMinutes = 1, tail: index = 0, learnsFar = false } = scatter
  const even = { hours: new Float64Array(24).fill(1), minutes: new Float64Array(60).fill(1) }
  if (residuals.length === 0) return { ...least, memory: 1, ...even, up: 1, down: 1 }
  const { sigma, sampling } =
    pools.residuals.length > 0 ? components(pools.residuals, pools.terms, least, index) : least
  const parts = { sampling, ...(index > 0 && { tail: index }) }
  const standardised = (each: number, term: number, factor: number) =>
    scoreOf(each, chanceOf(parts, sigma ** 2, term, factor))
  const pooled = pools.residuals.map((each, i) => standardised(each, pools.terms[i]!, 1))
  const hours = grouped(pooled, 24, (i) => hourOf(pools.minutes[i]!)).map(hourSpread)
  const byHour = residuals.map((each, i) => standardised(each, terms[i]!, hours[hourOf(minutes[i]!)]!))
  const ofHour = minuteSpreads(grouped(byHour, 60, (i) => minutes[i]! % 60))
  const factorAt = (i: number) => hours[hourOf(minutes[i]!)]! * ofHour[minutes[i]! % 60]!
  const z = residuals.map((each, i) => standardised(each, terms[i]!, factorAt(i)))
  const known = z.filter((each) => Math.abs(each) < FAR_OFF).sort()
  const days = (residuals.length * rowMinutes) / 1440
  // A tail of a single day is as likely that of its incidents.
  const believed = days ** 2 / (days ** 2 + HALF_TAIL_DAYS ** 2)
  // The tail index of a percentile is one of its own history: it may be too long, as well as too short.
  const shortest = index > 0 ? MIN_TAIL : 1
  const tail = (side: number) => {
    const ratios = TAIL.map(
      ({ rank, normal }) => (side * quantileSorted(known, side > 0 ? rank : 1 - rank)) / normal,
    )
    return 1 + believed * (Math.min(MAX_TAIL, Math.max(shortest, ...ratios)) - 1)
  }
  const always =
    terms.reduce((sum, term) => sum + sigma ** 2 / (sigma ** 2 + sampling * term), 0) / terms.length
  const up = known.length > 0 ? tail(1) : 1
  const down = known.length > 0 ? tail(-1) : 1
  const far = learnsFar
    ? farIndexOf(
        residuals,
        z.map((each) => each / up),
        (i) => chanceOf({ ...parts, up, down }, sigma ** 2, terms[i]!, factorAt(i)),
      )
    : 0
  return {
    sigma,
    sampling,
    memory: memoryOf(
      z,
      minutes.map((minute) => minute / rowMinutes),
      always,
    ),
    hours: Float64Array.from(hours),
    minutes: Float64Array.from(ofHour),
    up,
    down,
    ...(index > 0 && { tail: index }),
    ...(far > 0 && { far }),
  }
}

/**
 * The noise of one row.
 * @param fixed the variance that does not depend on the number of requests
 * @param term the sampling term
 * @param factor on the residual
 * @param longRun the first in sums over rows
 */
export function chanceOf(
  { sampling, up = 1, down = 1, tail = 0, far = 0 }: Pick<Noise, 'sampling'> & Partial<Noise>,
  fixed: number,
  term: number,
  factor: number,
  longRun = fixed,
): Chance {
  const index = tail > 0 ? Math.sqrt(sampling) : 0
  return { fixed, longRun, sampled: sampling * term, index, shape: 1 / term, factor, up, down, far }
}

/** The standard score of a row, before the factors for long tails. */
export function scoreAt(noise: Noise, residual: number, term: number, minute: number): number {
  const { sampling, tail = 0 } = noise
  return scoreOf(
    residual,
    chanceOf({ sampling, tail }, fixedVariance(noise, 1), term, spreadAt(noise, minute)),
  )
}

/**
 * The variance of an interval that does not depend on the number of requests, before its factors.
 * @param rows length of the interval, in rows of the history. Shorter ones are taken as independent, longer ones average
 *   rows that are alike
 */
export function fixedVariance({ sigma, memory }: Noise, rows: number): number {
  return sigma ** 2 * (rows > 1 ? Math.min(1, memory / rows) : 1 / rows)
}

/** The same for sums over intervals: the variance of a sum, divided by the number of intervals. */
export function longRunVariance({ sigma, memory }: Noise, rows: number): number {
  return sigma ** 2 * (memory / rows)
}

/** The factor of a local minute on a standard deviation; that of its hour for an interval of several rows. */
export function spreadAt({ hours, minutes }: Noise, minute: number, rows = 1): number {
  const ofHour = hours[hourOf(minute)]!
  return rows > 1 ? ofHour : ofHour * minutes[minute % 60]!
}

/** The hour of the day of a minute of the week, or since some midnight. */
function hourOf(minute: number): number {
  return Math.floor((minute % 1440) / 60)
}

/**
 * The factor on sigma² in sums over rows, because neighbouring rows are alike: the variance of the difference
 * between the means of neighbouring blocks, relative to that of independent rows. Slower changes are left to the
 * baseline of a stream.
 *
 * @param rows the time of each, in rows
 * @param always the share of the variance that few requests do not add; the rest is independent
 */
function memoryOf(z: Float64Array, rows: Float64Array, always: number): number {
  const sums = new Map<number, { sum: number; n: number }>()
  z.forEach((each, i) => {
    const block = Math.floor(rows[i]! / BLOCK)
    const { sum = 0, n = 0 } = sums.get(block) ?? {}
    sums.set(block, { sum: sum + Math.max(-3, Math.min(3, each)), n: n + 1 })
  })
  const differences: number[] = []
  for (const [block, { sum, n }] of sums) {
    const next = sums.get(block + 1)
    if (next && n > BLOCK / 2 && next.n > BLOCK / 2) {
      differences.push(Math.abs(sum / n - next.sum / next.n) / Math.sqrt(1 / n + 1 / next.n))
    }
  }
  if (differences.length < 20) return 1
  const inflation = (SIGMAS_PER_MAD * quantile(differences, 0.5)) ** 2
  return Math.min(MAX_MEMORY, Math.max(1, 1 + (inflation - 1) / Math.max(0.05, always)))
}

function components(
  residuals: Float64Array,
  terms: Float64Array,
  least: { readonly sigma: number; readonly sampling: number },
  index: number,
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
  // The tail shows what few requests add even where their number hardly changes, unless there is less noise than that.
  const ofTail = Math.min(
    index ** 2,
    quantile(
      bins.map(({ x, v }) => v / x),
      0.5,
    ),
  )
  const sampling = Math.max(least.sampling, ofTail, slope)
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

function hourSpread(z: Float64Array): number {
  if (z.length === 0) return 1
  const own = (SIGMAS_PER_MAD * quantile(z.map(Math.abs), 0.5)) ** 2
  const variance = (z.length * own + HALF_BELIEVED) / (z.length + HALF_BELIEVED)
  return Math.min(HOUR_RANGE.max, Math.max(HOUR_RANGE.min, Math.sqrt(variance)))
}

/**
 * The factors of the minutes of the hour. Minutes in which jobs begin vary more than most. In a day or two, a few incidents
 * may fall on the same minutes of different hours. So the fewer hours there are, the more of them have to vary.
 */
function minuteSpreads(groups: readonly Float64Array[]): number[] {
  const spreads = groups.map((group) =>
    group.length > 0 ? quantile(group.map(Math.abs), certainRank(group.length)) : NaN,
  )
  const usual = quantile(
    spreads.filter((spread) => !Number.isNaN(spread)),
    0.5,
  )
  return spreads.map((spread, minute) => {
    const times = spread / Math.max(usual, 1e-9)
    return times > 1 + 4 / Math.sqrt(groups[minute]!.length) ? Math.min(MAX_MINUTE, times) : 1
  })
}

/** The rank in a sample of n values that certainly lies below the rank in their distribution. */
function certainRank(n: number): number {
  const { rank, certain, min } = MINUTE_RANK
  return Math.max(min, rank - certain * Math.sqrt((rank * (1 - rank)) / n))
}
