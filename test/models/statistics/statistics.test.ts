import { readFile } from 'node:fs/promises'
import t from 'tap'
import { mannKendall } from '../../../models/statistics/mann-kendall.js'
import { quantile } from '../../../models/statistics/quantile.js'
import { theilSenSlope } from '../../../models/statistics/theil-sen-slope.js'

interface Golden {
  values: number[]
  quantiles: Record<string, number>
  theilSenSlope: number
  mannKendall: { s: number; varS: number; z: number; p: number }
}

const close = (a: number, b: number) => Math.abs(a - b) < 1e-6

t.test('statistics are those of numpy and scipy', async (t) => {
  const cases = JSON.parse(
    await readFile('test/models/statistics/statistics.golden.json', 'utf8'),
  ) as Golden[]
  for (const golden of cases) {
    for (const [p, value] of Object.entries(golden.quantiles))
      t.ok(close(quantile(golden.values, Number(p)), value))
    t.ok(close(theilSenSlope(golden.values), golden.theilSenSlope))
    const found = mannKendall(golden.values)
    for (const key of ['s', 'varS', 'z', 'p'] as const) t.ok(close(found[key], golden.mannKendall[key]), key)
  }
})

t.test('there is no quantile of nothing, nor one beyond the ends', async (t) => {
  t.throws(() => quantile([], 0.5), RangeError)
  for (const p of [-0.1, 1.1, NaN]) t.throws(() => quantile([1], p), RangeError)
})

t.test('values are not moved', async (t) => {
  const values = [3, 1, 2]
  quantile(values, 0.5)
  t.same(values, [3, 1, 2])
})

t.test('nothing has no trend', async (t) => {
  t.match(mannKendall([]), { s: 0, z: 0, p: 1 })
  t.equal(theilSenSlope([1]), 0)
})
