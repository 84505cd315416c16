import t from 'tap'
import fc from '../../properties.js'
import { createRandom } from '../../../models/statistics/random.js'
import { aliasTable, zipfWeights } from '../../../models/synthetic/alias-table.js'

t.test('indexes are drawn as often as their weights say', async (t) => {
  const random = createRandom(1)
  const weights = [5, 0, 1, 3, 0.5, 0.5]
  const { draw } = aliasTable(weights)
  const counts = weights.map(() => 0)
  const draws = 200_000
  for (let i = 0; i < draws; i++) counts[draw(random)]!++
  counts.forEach((count, index) => {
    const expected = (draws * weights[index]!) / 10
    t.ok(Math.abs(count - expected) <= 5 * Math.sqrt(expected), `${count} for ${expected}`)
  })
})

t.test('only indexes with a weight are drawn, whatever the weights', async () => {
  const random = createRandom(2)
  const weights = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(weights, (given) => {
      fc.pre(given.reduce((a, b) => a + b, 0) > 1e-3)
      const { draw } = aliasTable(given)
      return Array.from({ length: 100 }, () => draw(random)).every((index) => given[index]! > 0)
    }),
    { seed: 1 },
  )
})

t.test('weights that are none are refused', async (t) => {
  for (const weights of [[], [0, 0], [1, -1], [NaN], [Infinity]]) {
    t.throws(() => aliasTable(weights), { name: 'RangeError' }, JSON.stringify(weights))
  }
})

t.test('weights by the law of Zipf', async (t) => {
  t.strictSame([...zipfWeights(4, 1)], [1, 1 / 2, 1 / 3, 1 / 4])
  t.strictSame([...zipfWeights(3, 0)], [1, 1, 1])
})
