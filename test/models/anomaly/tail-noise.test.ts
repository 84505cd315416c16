import t from 'tap'
import { scoreOf, shiftRatio, type Chance } from '../../../models/anomaly/chance.js'
import type { Feature } from '../../../models/anomaly/features.js'
import {
  tailBias,
  tailIndexOf,
  tailResidual,
  tailScore,
  tailShape,
} from '../../../models/anomaly/tail-noise.js'
import { quantileSorted } from '../../../models/statistics/quantile.js'
import { createRandom, type Random } from '../../../models/statistics/random.js'

const PERCENTILES: [Feature, number][] = [
  ['p95_latency_ms', 0.95],
  ['p99_latency_ms', 0.99],
]

/** Latencies whose logarithm has an exponential tail with a mean. */
const pareto = (random: Random, index: number) => 50 * (1 - random.uniform()) ** -index

const row = (random: Random, n: number, index: number) =>
  Float64Array.from({ length: n }, () => pareto(random, index)).sort()

t.test('a residual and its score belong together, up to the furthest', async (t) => {
  for (const fixed of [1e-4, 0.04, 0.3])
    for (const index of [1e-6, 0.05, 0.4, 1.5])
      for (const shape of [0.85, 2, 30, 1e4])
        for (const score of [-12, -4.5, -1, 0, 0.01, 1, 4.5, 12]) {
          const noise = { fixed, index, shape }
          const back = tailScore(tailResidual(score, noise), noise)
          const isNear = Math.abs(back - score) < 0.01 * Math.max(1, Math.abs(score))
          if (!isNear) t.fail(`${score} came back as ${back}`, noise)
        }
  const noise = { fixed: 0.01, index: 0.3, shape: 2 }
  t.ok(Number.isFinite(tailScore(700, noise)) && Number.isFinite(tailScore(-30, noise)))
  t.ok(Number.isNaN(tailScore(NaN, noise)))
})

t.test('percentiles of 20 to 400 requests have normal scores, on both sides', async (t) => {
  for (const [feature, rank] of PERCENTILES) {
    for (const n of [20, 100, 400]) {
      const random = createRandom(n)
      const usual = Math.log(50) - 0.4 * Math.log(1 - rank)
      const noise = { fixed: 1e-4, index: 0.4, shape: tailShape(feature, n) }
      const scores = Float64Array.from({ length: 2000 }, () => {
        const value = Math.log(quantileSorted(row(random, n, 0.4), rank))
        return tailScore(value - usual - tailBias(feature, n, 0.4), noise)
      })
      const beyond = (is: (z: number) => boolean) => scores.filter(is).length / scores.length
      const name = `${feature} of ${n}`
      t.ok(Math.abs(beyond((z) => z > 0) - 0.5) < 0.08, `${name}: the median is the expected value`)
      t.ok(beyond((z) => z > 2.33) < 0.03, `${name}: ${beyond((z) => z > 2.33)} above the 99 % quantile`)
      t.ok(beyond((z) => z < -2.33) < 0.03, `${name}: ${beyond((z) => z < -2.33)} below the 1 % quantile`)
      t.equal(
        beyond((z) => z > 4.5),
        0,
        `${name}: none beyond the gate`,
      )
    }
  }
})

t.test('the tail index shows in p95 and p99, of few requests and of many', async (t) => {
  for (const index of [0.2, 0.4, 0.7]) {
    for (const n of [25, 100, 800]) {
      const random = createRandom(7)
      const rows = Array.from({ length: 400 }, () => row(random, n, index))
      const percentile = (rank: number) => Float64Array.from(rows, (each) => quantileSorted(each, rank))
      const found = tailIndexOf(percentile(0.95), percentile(0.99), new Float64Array(400).fill(n))
      t.ok(Math.abs(found - index) < 0.15 * index, `${n} requests: ${found.toFixed(3)}, put in ${index}`)
    }
  }
  const one = new Float64Array(100).fill(100)
  t.equal(tailIndexOf(one, one, new Float64Array(100).fill(5)), 0, 'rows of five requests say nothing')
  t.equal(
    tailIndexOf(
      one,
      one.map(() => NaN),
      one,
    ),
    0,
    'nor do unknown percentiles',
  )
  t.equal(tailIndexOf(one, one, one), 0, 'equal percentiles have no tail')
})

const normal: Chance = {
  fixed: 0.05,
  longRun: 0.05,
  sampled: 0.04,
  index: 0,
  shape: 1,
  factor: 1,
  up: 1,
  down: 1,
  far: 0,
}

t.test('a shift: the logarithm of the ratio of two normal densities, within its bound', async (t) => {
  const log = (x: number, mean: number) => -((x - mean) ** 2) / (2 * 0.3 ** 2)
  const near = (found: number, wanted: number) => Math.abs(found - wanted) < 1e-9
  t.ok(near(shiftRatio(0.5, 0.4, normal, -2), log(0.5, 0.4) - log(0.5, 0)))
  t.ok(near(shiftRatio(0.2, 0.4, normal, -2), 0), 'half-way says nothing')
  t.equal(shiftRatio(-0.9, 0.4, normal, -2), -2)
})

t.test(
  'a shift of a percentile: few requests prove less upwards, and the bound changes nothing',
  async (t) => {
    const skewed: Chance = {
      ...normal,
      fixed: 0.001,
      longRun: 0.001,
      sampled: 0.089,
      index: 0.3,
      shape: 1.01,
    }
    t.ok(
      shiftRatio(2, 0.4, skewed, -2) < shiftRatio(2, 0.4, normal, -2) / 3,
      'one slow request is little proof',
    )
    for (let residual = -1; residual < 3; residual += 0.01) {
      const exact = shiftRatio(residual, 0.4, skewed, -1e9)
      const found = shiftRatio(residual, 0.4, skewed, -2)
      if (Math.abs(found - Math.max(-2, exact)) > 1e-6) t.fail(`${residual}: ${found} instead of ${exact}`)
    }
  },
)

t.test('single rows that lie far above count as a power of their distance', async (t) => {
  const far: Chance = { ...normal, far: 0.5 }
  t.equal(scoreOf(0.8, far), scoreOf(0.8, normal), 'not below three standard deviations')
  t.ok(scoreOf(3, normal) > 9 && scoreOf(3, far) < 5)
  t.ok(scoreOf(3.1, far) > scoreOf(3, far))
})
