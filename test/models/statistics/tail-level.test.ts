import t from 'tap'
import { quantile } from '../../../models/statistics/quantile.js'
import { tailLevel } from '../../../models/statistics/tail-level.js'

/** The quantiles of an exponential distribution, or of what `shape` makes of it. */
const sample = (n: number, shape = (value: number) => value) =>
  Array.from({ length: n }, (_, i) => shape(-Math.log((i + 0.5) / n)))

t.test('the level of an exponential tail is right, far beyond the sample', async (t) => {
  for (const n of [50, 200, 2000]) {
    for (const share of [0.01, 0.001, 0.0001]) {
      const level = tailLevel(sample(n), share)
      t.ok(Math.abs(level / -Math.log(share) - 1) < 0.1, `${level} is exceeded by ${share}, from ${n}`)
    }
  }
})

t.test('it falls as the share rises, and grows with the unit', async (t) => {
  const values = sample(300, (value) => Math.exp(0.8 * value))
  const shares = [0.3, 0.1, 0.05, 0.01, 0.001, 1e-6]
  const levels = shares.map((share) => tailLevel(values, share))
  for (let i = 1; i < levels.length; i++) t.ok(levels[i]! > levels[i - 1]!)
  const tenfold = values.map((value) => 10 * value)
  for (const [i, share] of shares.entries())
    t.ok(Math.abs(tailLevel(tenfold, share) / (10 * levels[i]!) - 1) < 1e-12)
})

t.test('within the sample it is the quantile of type 7', async (t) => {
  const values = sample(400)
  for (const share of [0.05, 0.2, 0.5]) t.equal(tailLevel(values, share), quantile(values, 1 - share))
})

t.test('values that are all alike have no tail, and one value is its own level', async (t) => {
  t.equal(tailLevel([7], 0.001), 7)
  t.equal(tailLevel(Array<number>(80).fill(7), 0.001), 7)
  t.equal(tailLevel(Array<number>(3).fill(0), 0.001), 0)
})
