import t from 'tap'
import { countRatio, shareRatio } from '../../../models/anomaly/likelihood.js'

const near = (found: number, wanted: number) =>
  Math.abs(found - wanted) < 1e-9 * Math.max(1, Math.abs(wanted))

function logFactorial(n: number): number {
  return n < 2 ? 0 : Math.log(n) + logFactorial(n - 1)
}

t.test('a count: the logarithm of the ratio of two Poisson probabilities', async (t) => {
  const log = (k: number, mu: number) => k * Math.log(mu) - mu - logFactorial(k)
  for (const [k, mu, r] of [
    [0, 2, 1.5],
    [7, 3, 2],
    [40, 60, 0.5],
  ] as const) {
    t.ok(near(countRatio(k, mu, Math.log(r), 1), log(k, r * mu) - log(k, mu)), `${k} of ${mu}, times ${r}`)
  }
  t.equal(countRatio(7, 3, Math.log(2), 4), countRatio(7, 3, Math.log(2), 1) / 4, 'dispersion divides it')
})

t.test('errors: the logarithm of the ratio of two binomial probabilities', async (t) => {
  const log = (k: number, n: number, p: number) => k * Math.log(p) + (n - k) * Math.log(1 - p)
  t.ok(near(shareRatio(3, 20, 0.01, 0.05, 1), log(3, 20, 0.05) - log(3, 20, 0.01)))
  t.ok(shareRatio(0, 20, 0.01, 0.05, 1) < 0)
})
