import t from 'tap'
import {
  BusiestSources,
  labelOf,
  MAX_SHOWN,
  type JudgedRate,
} from '../../../plugins/metrics/judged-series.js'

const MINUTE = 60_000
const rate = (actual: number): JudgedRate => ({ actual, expected: 1, lower: 0, upper: 2, score: 0.1 })
const sources = () => new BusiestSources<JudgedRate>((value) => value)

t.test('the busiest sources are shown, with their last report', (t) => {
  const busiest = sources()
  for (let i = 0; i < 100; i++) busiest.set(`s${i}`, rate(i), 0)
  busiest.set('s99', rate(150), 0)
  const shown = busiest.shown(0)
  t.equal(shown.size, MAX_SHOWN)
  t.equal(shown.get('s99')?.actual, 150)
  t.ok(shown.has('s80'))
  t.notOk(shown.has('s79'))
  t.end()
})

t.test('a source that is shown stays until another is twice as busy', (t) => {
  const busiest = sources()
  for (let i = 0; i < MAX_SHOWN; i++) busiest.set(`old${i}`, rate(10), 0)
  busiest.shown(0)
  busiest.set('new', rate(19), 0)
  t.notOk(busiest.shown(0).has('new'))
  busiest.set('new', rate(21), 0)
  t.ok(busiest.shown(0).has('new'))
  t.end()
})

t.test('a source that does not report any more is not shown', (t) => {
  const busiest = sources()
  busiest.set('gone', rate(10), 0)
  busiest.set('here', rate(1), 10 * MINUTE)
  t.same([...busiest.shown(11 * MINUTE).keys()], ['here'])
  busiest.clear()
  t.equal(busiest.shown(11 * MINUTE).size, 0, 'after a reset')
  t.end()
})

t.test('of too many sources, the busiest are remembered', (t) => {
  const busiest = sources()
  busiest.set('busy', rate(1e6), 0)
  for (let i = 0; i < 10_000; i++) busiest.set(`s${i}`, rate(i % 7), 0)
  t.ok(busiest.shown(0).has('busy'))
  t.equal(busiest.shown(0).size, MAX_SHOWN)
  t.end()
})

t.test('a label has one line and a bounded length, and sources do not share one', (t) => {
  t.equal(labelOf('eu-west/gateway 1'), 'eu-west/gateway 1')
  t.equal(labelOf('a\nb\u2028c\u0000'), 'a b c ')
  t.equal(labelOf('\ud800'), '\ufffd')
  t.equal([...labelOf('😀'.repeat(300))].length, 100)
  const busiest = sources()
  busiest.set(`${'x'.repeat(200)}1`, rate(1), 0)
  busiest.set(`${'x'.repeat(200)}2`, rate(2), 0)
  t.same([...busiest.shown(0).values()], [rate(2)], 'the busier one')
  t.end()
})
