/**
 * Log-likelihood ratios: the logarithm of how many times as likely an observation is after a change as before it. Their
 * sum over minutes is the evidence for the change (Wald 1947, "Sequential Analysis").
 */

/**
 * The ratio of a Poisson count, for a mean of mu · e^lnR instead of mu. Counts that vary more than Poisson's have a
 * quasi-likelihood: the ratio over the dispersion, which is variance over mean (McCullagh and Nelder 1989, chapter 9).
 *
 * @param dispersion 1 or more
 */
export function countRatio(count: number, mu: number, lnR: number, dispersion: number): number {
  return (count * lnR - mu * Math.expm1(lnR)) / dispersion
}

/**
 * The ratio of a number of errors among n requests, for a share of p1 instead of p0. Shares that vary more than binomial
 * ones have a quasi-likelihood, as in {@link countRatio}.
 *
 * @param p0 above 0 and below 1, as p1
 * @param dispersion 1 or more
 */
export function shareRatio(errors: number, n: number, p0: number, p1: number, dispersion: number): number {
  return (errors * Math.log(p1 / p0) + (n - errors) * (Math.log1p(-p1) - Math.log1p(-p0))) / dispersion
}
