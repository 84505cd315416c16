import t from 'tap'
import { createRandom } from '../../../models/statistics/random.js'

const draws = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw)
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

t.test('the same seed gives the same numbers, and every other seed others', async (t) => {
  const seeds = [0, 1, -1, 2, 0.1, 0.2, 2 ** 32, 2 ** 53 - 1, 1e300]
  const first = (seed: number): string => draws(4, createRandom(seed).uniform).join()
  t.equal(new Set(seeds.map(first)).size, seeds.length)
  t.same(seeds.map(first), seeds.map(first))
})

t.test('the sequence stays what it is, so that seeds mean the same in every version', async (t) => {
  const random = createRandom(42)
  t.same(draws(3, random.uniform), [0.3533653396795735, 0.05475917319527823, 0.40307043883582583])
  t.same(
    draws(5, () => random.integer(100)),
    [77, 41, 22, 66, 80],
  )
  t.same(draws(3, random.normal), [1.144886144685409, -0.062104292417228556, 0.12966830333305726])
})

t.test('uniform numbers lie in [0, 1) and fill it evenly', async (t) => {
  const values = draws(100_000, createRandom(7).uniform)
  t.ok(values.every((value) => value >= 0 && value < 1))
  const tenths = new Array<number>(10).fill(0)
  for (const value of values) tenths[Math.floor(value * 10)]!++
  // Binomial with p = 1/10: the standard deviation is 95.
  for (const count of tenths) t.ok(Math.abs(count - 10_000) < 450, `${count} of 100,000`)
})

t.test('integers lie in [0, n) and are equally likely', async (t) => {
  const random = createRandom(8)
  const counts = new Array<number>(7).fill(0)
  for (const value of draws(70_000, () => random.integer(7))) counts[value]!++
  t.equal(counts.length, 7)
  for (const count of counts) t.ok(Math.abs(count - 10_000) < 450, `${count} of 70,000`)
  t.same(
    draws(5, () => random.integer(1)),
    [0, 0, 0, 0, 0],
  )
})

t.test(
  'normal numbers have mean 0, standard deviation 1 and the tails of the normal distribution',
  async (t) => {
    const values = draws(100_000, createRandom(9).normal)
    t.ok(Math.abs(mean(values)) < 0.015)
    t.ok(Math.abs(mean(values.map((value) => value ** 2)) - 1) < 0.02)
    t.ok(Math.abs(mean(values.map((value) => value ** 3))) < 0.06)
    t.ok(Math.abs(mean(values.map((value) => value ** 4)) - 3) < 0.15)
    const beyondTwo = values.filter((value) => Math.abs(value) > 2).length
    t.ok(Math.abs(beyondTwo - 4550) < 300, `${beyondTwo} of 100,000`)
  },
)

t.test('successive numbers are not correlated', async (t) => {
  const values = draws(100_000, createRandom(10).uniform)
  const products = values.slice(1).map((value, i) => (value - 0.5) * (values[i]! - 0.5))
  t.ok(Math.abs(mean(products) * 12) < 0.015)
})
