/**
 * Log-likelihood ratios: by how much more likely an observation is after a change than before it, as a logarithm. Their
 * sum over minutes is the evidence for the change (Wald 1947, "Sequential Analysis").
 */

/**
 * Of a Poisson count whose mean should be mu, for a mean e^lnR times that. Where counts scatter more than Poisson's it is
 * their quasi-likelihood, that over the dispersion, variance over mean (McCullagh and Nelder 1989, chapter 9).
 */
export function countRatio(count: number, mu: number, lnR: number, dispersion: number): number {
  return (count * lnR - mu * Math.expm1(lnR)) / dispersion
}

/**
 * Of so many errors among n requests, for a share of p1 instead of p0; both above 0 and below 1. Where shares scatter
 * more than a binomial one it is their quasi-likelihood, that over the dispersion (McCullagh and Nelder 1989, chapter 9).
 */
export function shareRatio(errors: number, n: number, p0: number, p1: number, dispersion: number): number {
  return (errors * Math.log(p1 / p0) + (n - errors) * (Math.log1p(-p1) - Math.log1p(-p0))) / dispersion
}

/** Of a normal residual with that standard deviation, for one about `shift` instead of 0. */
export function shiftRatio(residual: number, shift: number, sigma: number): number {
  return (shift / sigma ** 2) * (residual - shift / 2)
}
