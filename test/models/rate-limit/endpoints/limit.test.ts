import t from 'tap'
import { friendlyNumber } from '../../../../models/rate-limit/endpoints/friendly-number.js'
import { endpointBase } from '../../../../models/rate-limit/endpoints/limit.js'

t.test('friendly numbers, upper bounds excluded, halves to the even step', async (t) => {
  const table = [
    [0, 0],
    [2.4, 0],
    [2.5, 0],
    [12, 10],
    [12.5, 10],
    [49.9, 50],
    [50, 50],
    [54.9, 50],
    [55, 60],
    [99, 100],
    [100, 100],
    [112, 100],
    [113, 125],
    [499, 500],
    [500, 500],
    [524, 500],
    [525, 500],
    [999, 1000],
    [1000, 1000],
    [1049, 1000],
    [1050, 1000],
    [4999, 5000],
    [5000, 5000],
    [5249, 5000],
    [5250, 5000],
    [123_456, 123_500],
  ]
  for (const [value, friendly] of table) t.equal(friendlyNumber(value!), friendly, `${value}`)
})

t.test('the base is the busy minute with a fifth to spare, at least 10', async (t) => {
  const table = [
    [0, 10],
    [8, 10],
    [10, 10],
    [11, 15],
    [40, 50],
    [100, 125],
    [250, 300],
    [700, 850],
    [2000, 2400],
    [10_000, 12_000],
  ]
  for (const [p95, base] of table) t.equal(endpointBase(p95!), base, `p95 ${p95}`)
})
