/** Smoothing parameters, each 0…1: level, trend, season. */
export interface Smoothing {
  readonly alpha: number
  readonly beta: number
  readonly gamma: number
}

const ALPHAS = [0.05, 0.1, 0.2, 0.4, 0.8]
const BETAS = [0, 0.01, 0.1]
const GAMMAS = [0.05, 0.1, 0.3]

/**
 * One-step forecasts of additive Holt-Winters smoothing (Hyndman and Athanasopoulos, "Forecasting: Principles and
 * Practice", section 8.3). Of the first two periods, the means give level and trend, and the first gives the season. With
 * less than two periods there is no season.
 *
 *     forecast = l + b + s
 *     l' = α (y − s) + (1 − α)(l + b)
 *     b' = β (l' − l) + (1 − β) b
 *     s' = γ (y − l − b) + (1 − γ) s
 *
 * @param known rows that the beginning may look at
 * @param period rows of a season
 * @returns `[n]`: forecasts; NaN in the rows that give the beginning
 */
export function holtWinters(
  values: Float64Array,
  known: number,
  period: number,
  { alpha, beta, gamma }: Smoothing,
): Float64Array {
  const isSeasonal = period > 1 && known >= 2 * period
  const begin = isSeasonal ? period : 1
  const season = new Float64Array(isSeasonal ? period : 1)
  let level = values[0]!
  let trend = 0
  if (isSeasonal) {
    level = mean(values.subarray(0, period))
    trend = (mean(values.subarray(period, 2 * period)) - level) / period
    for (let i = 0; i < period; i++) season[i] = values[i]! - level
  }
  const forecasts = new Float64Array(values.length).fill(NaN, 0, begin)
  for (let i = begin; i < values.length; i++) {
    const place = i % season.length
    const [y, s] = [values[i]!, season[place]!]
    forecasts[i] = level + trend + s
    const next = alpha * (y - s) + (1 - alpha) * (level + trend)
    if (isSeasonal) season[place] = gamma * (y - level - trend) + (1 - gamma) * s
    trend = beta * (next - level) + (1 - beta) * trend
    level = next
  }
  return forecasts
}

/** The parameters of a grid with the least squared error of the one-step forecasts. */
export function fitSmoothing(values: Float64Array, period: number): Smoothing {
  let best: Smoothing = { alpha: ALPHAS[0]!, beta: BETAS[0]!, gamma: GAMMAS[0]! }
  let least = Infinity
  for (const alpha of ALPHAS)
    for (const beta of BETAS)
      for (const gamma of GAMMAS) {
        const error = meanSquare(
          errorsOf(values, holtWinters(values, values.length, period, { alpha, beta, gamma })),
        )
        if (error < least) [best, least] = [{ alpha, beta, gamma }, error]
      }
  return best
}

/** The errors of the rows that have a forecast. */
export function errorsOf(values: Float64Array, forecasts: Float64Array): Float64Array {
  return values.map((value, i) => value - forecasts[i]!).filter((error) => !Number.isNaN(error))
}

export function meanSquare(errors: Float64Array): number {
  return mean(errors.map((error) => error ** 2))
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
