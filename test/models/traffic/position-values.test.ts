import t from 'tap'
import { PositionValues } from '../../../models/traffic/position-values.js'

const DAY_MS = 86_400_000

t.test('busy values are found among any number of others, in bounded memory', async (t) => {
  const values = new PositionValues()
  for (let i = 0; i < 20_000; i++) {
    values.note(`v${i}`, 1, i, i)
    if (i % 50 === 0) values.note('orders', 1, i, i)
  }
  values.cut()
  t.ok(values.noted.values.length <= 256)
  const [busy, ...others] = values.busy()
  t.match(busy, { value: 'orders', firstMs: 0, lastMs: 19_950 })
  t.ok(busy!.weight <= 400, 'never too high')
  t.same(others, [])
  t.same(new PositionValues(values.noted).busy(), values.busy(), 'it can be stored')
  values.remove('orders')
  t.same(values.busy(), [])
})

t.test('few requests are not busy, nor is a small share', async (t) => {
  const values = new PositionValues()
  values.note('few', 19, 0, 0)
  values.note('some', 20, 0, 0)
  t.same(
    values.busy().map(({ value }) => value),
    ['some'],
  )
  for (let i = 0; i < 200; i++) values.note(`v${i}`, 19, 0, 0)
  values.note('some', 0, 0, 0)
  t.same(
    values.busy().map(({ value }) => value),
    ['some'],
  )
  values.note('few', 10_000, 0, 0)
  t.same(
    values.busy().map(({ value }) => value),
    ['few'],
  )
})

t.test('old requests weigh half as much each week, and values are counted since a time', async (t) => {
  const values = new PositionValues()
  values.note('old', 100, 0, 0)
  values.note('new', 1, 21 * DAY_MS, 21 * DAY_MS)
  t.same(values.noted.total, 13.5)
  t.match(values.noted.values, [
    { value: 'old', weight: 12.5 },
    { value: 'new', weight: 1 },
  ])
  t.equal(values.seenSince(0), 2)
  t.equal(values.seenSince(DAY_MS), 1)
})
