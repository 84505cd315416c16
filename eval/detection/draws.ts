import type { Random } from '../../models/statistics/random.js'

/** From this mean on a count is drawn from the normal distribution, which is then close enough. */
const LARGE_MEAN = 200

/** A number between two, each equally likely. */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform()
}

/** A number between two, each ratio equally likely. */
export function times(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.uniform()
}

/** A Poisson count: Knuth's product of uniforms, normal when large. */
export function poisson(random: Random, mean: number): number {
  if (mean > LARGE_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()))
  const least = Math.exp(-mean)
  let count = -1
  for (let product = 1; product > least; product *= random.uniform()) count++
  return Math.max(0, count)
}

/** A binomial count by waiting times between successes (Devroye 1986, section X.4), normal when large. */
export function binomial(random: Random, n: number, p: number): number {
  if (p > 0.5) return n - binomial(random, n, 1 - p)
  if (p <= 0 || n <= 0) return 0
  const mean = n * p
  if (mean > LARGE_MEAN) {
    const drawn = Math.round(mean + Math.sqrt(mean * (1 - p)) * random.normal())
    return Math.min(n, Math.max(0, drawn))
  }
  const perStep = Math.log1p(-p)
  let count = -1
  for (let passed = 0; passed <= n; count++) {
    passed += Math.floor(Math.log1p(-random.uniform()) / perStep) + 1
  }
  return count
}

/** A gamma deviate of scale 1, shape at least 1 (Marsaglia and Tsang 2000). */
export function gamma(random: Random, shape: number): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = random.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log1p(-random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}
