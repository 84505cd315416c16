import { tailResidual, tailScore } from './tail-noise.js'

/** The noise of one row of a feature, on its scale. */
export interface Chance {
  /** Variance that does not depend on the number of requests, and the one that their number adds. */
  readonly fixed: number
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

/** The deviance of a residual, half of its squared score: the logarithm of how many times as likely no residual is. */
export function devianceOf(residual: number, chance: Chance): number {
  return scoreOf(residual, chance) ** 2 / 2
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

function nearScore(residual: number, { fixed, sampled, index, shape }: Chance): number {
  if (index > 0) return tailScore(residual, { fixed, index, shape })
  return residual / Math.sqrt(fixed + sampled)
}

function nearResidual(score: number, { fixed, sampled, index, shape }: Chance): number {
  if (index > 0) return tailResidual(score, { fixed, index, shape })
  return score * Math.sqrt(fixed + sampled)
}
