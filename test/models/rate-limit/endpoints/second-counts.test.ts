import t from 'tap'
import fc from '../../../properties.js'
import { SecondCounts } from '../../../../models/rate-limit/endpoints/second-counts.js'
import { quantile } from '../../../../models/statistics/quantile.js'

t.test('busy seconds are a quantile of those with requests', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 50 }), (counts) => {
      const seconds = new SecondCounts()
      counts.forEach((count, i) => Array.from({ length: count }, () => seconds.add(3 * i)))
      const found = seconds.summary(0.99)
      return Math.abs(found.quantile - quantile(counts, 0.99)) < 1e-9 && found.highest === Math.max(...counts)
    }),
  )
  t.same(new SecondCounts().summary(0.99), { quantile: 0, highest: 0 })
})
