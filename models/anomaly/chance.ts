import { tailResidual, tailScore } from './tail-noise.js'

/** The noise of one row of a feature, on its scale. */
export interface Chance {
  /** Variance that does not depend on the number of requests, and that in a sum over rows, divided by their number. */
  readonly fixed: number
  readonly longRun: number
  /** The variance that the number of requests adds. */
  readonly sampled: number
  /** Of a percentile: the tail index and the shape, see tail-noise.ts. An index of 0 is that of symmetric noise. */
  readonly index: number
  readonly shape: number
  /** On the residual: the spread of the moment and of the source. */
  readonly factor: number
  /** Factors for long tails. */
  readonly up: number
  readonly down: number
  /** The tail index of rows that lie far above; 0 when they are as rare as those of a normal variable. */
  readonly far: number
}

/** The score from which on a row lies far above. */
export const FAR_FROM = 3

/** The fewest rows that show how far single rows reach. */
export const MIN_FAR_ROWS = 10

/** A far row is a single one when its neighbours have less than this score. An incident lasts longer. */
export const NEIGHBOUR = 2

/** The tail index of a normal variable there; a smaller one is chance. */
export const MIN_FAR_INDEX = 0.15

/** The share of rows of a normal variable above FAR_FROM. */
const NORMAL_SHARE = 0.00135

/**
 * The standard score of a residual. From {@link FAR_FROM} on, it grows with the logarithm of the relative excess where the
 * history shows that single rows reach further than those of a normal variable: one very slow request lifts the average of
 * a hundred. P(X > x) falls like a power of x then (Pickands 1975).
 *
 * @returns NaN for NaN
 */
export function scoreOf(residual: number, chance: Chance): number {
  const { factor, up, down, far } = chance
  const near = nearScore(residual / factor, chance) / (residual > 0 ? up : down)
  if (far === 0 || !(near > FAR_FROM)) return near
  const excess = Math.log(Math.expm1(residual) / Math.expm1(startOfFar(chance)))
  return Math.min(near, Math.sqrt(FAR_FROM ** 2 + (2 * excess) / far))
}

/** The residual with a standard score; the inverse of {@link scoreOf}. */
export function residualOf(score: number, chance: Chance): number {
  const { factor, up, down, far } = chance
  const near = factor * nearResidual(score * (score > 0 ? up : down), chance)
  if (far === 0 || !(score > FAR_FROM)) return near
  const excess = Math.exp((far * (score ** 2 - FAR_FROM ** 2)) / 2)
  return Math.max(near, Math.log1p(Math.expm1(startOfFar(chance)) * excess))
}

/**
 * The log-likelihood ratio of a residual in a sum over rows, for a shift of its median instead of 0: the difference of the
 * deviances, which are half of the squared scores. The lower tail is not longer than the upper one here, since a long one
 * would make too much of a small rise.
 *
 * @param shift above 0
 * @param min smaller ratios are this
 */
export function shiftRatio(residual: number, shift: number, chance: Chance, min: number): number {
  const { longRun, sampled, factor, up } = chance
  const down = Math.min(up, chance.down)
  const above = residual - shift
  if (above < 0) {
    // Without skewness and far rows, the ratio is cheap. Below the shift it is no smaller.
    const difference = (residual / (residual > 0 ? up : down)) ** 2 - (above / down) ** 2
    if (difference <= 2 * min * factor ** 2 * (longRun + sampled)) return min
  }
  const lasting = { ...chance, fixed: longRun, down }
  return Math.max(min, (scoreOf(residual, lasting) ** 2 - scoreOf(above, lasting) ** 2) / 2)
}

/**
 * The tail index of the rows that lie far above and whose neighbours do not: the mean logarithm of how many times as far
 * they lie as where the far begins (Hill 1975, "A simple general approach to inference about the tail of a distribution").
 *
 * @param scores of the rows in order of time, without {@link Chance.far}
 * @param chanceOfRow by index
 * @returns 0 when there are no more of them than chance makes
 */
export function farIndexOf(
  residuals: Float64Array,
  scores: Float64Array,
  chanceOfRow: (index: number) => Chance,
): number {
  let [count, sum] = [0, 0]
  scores.forEach((score, i) => {
    const isSingle = (scores[i - 1] ?? 0) < NEIGHBOUR && (scores[i + 1] ?? 0) < NEIGHBOUR
    if (!(score > FAR_FROM) || !isSingle) return
    count++
    sum += Math.log(Math.expm1(residuals[i]!) / Math.expm1(startOfFar(chanceOfRow(i))))
  })
  const byChance = NORMAL_SHARE * scores.length
  if (count < Math.max(MIN_FAR_ROWS, byChance)) return 0
  const index = sum / count
  return index > MIN_FAR_INDEX ? index : 0
}

function startOfFar(chance: Chance): number {
  return chance.factor * nearResidual(FAR_FROM * chance.up, chance)
}

function nearScore(residual: number, chance: Chance): number {
  if (chance.index > 0) return tailScore(residual, chance)
  return residual / Math.sqrt(chance.fixed + chance.sampled)
}

function nearResidual(score: number, chance: Chance): number {
  if (chance.index > 0) return tailResidual(score, chance)
  return score * Math.sqrt(chance.fixed + chance.sampled)
}
