import t from 'tap'
import { createSlots, type Holder } from '../../../plugins/http/load/slots.js'

function holder(caller: string | null = null) {
  const each = { caller, gone: false, isGone: () => each.gone }
  return each
}

const LIMITS = { what: 'exports', atOnce: 2, waiting: 2 }

t.test('so many begin at once, others wait in order, and beyond that they are refused', async (t) => {
  const slots = createSlots(LIMITS)
  const [a, b, c, d, e] = [holder(), holder(), holder(), holder(), holder()]
  const begun: string[] = []
  const enter = (name: string, each: Holder) => slots.enter(each).then(() => begun.push(name))
  await Promise.all([enter('a', a), enter('b', b)])
  const waiting = [enter('c', c), enter('d', d)]
  await t.rejects(slots.enter(e), { code: 'BUSY', message: '2 exports are under way. Try again shortly.' })
  t.same(begun, ['a', 'b'])
  slots.leave(a)
  slots.leave(a)
  await waiting[0]
  t.same(begun, ['a', 'b', 'c'])
  slots.leave(b)
  await waiting[1]
  t.equal(slots.taken, 2)
})

t.test('who has left frees its place', async (t) => {
  const slots = createSlots({ ...LIMITS, waiting: 1 })
  const [a, b, c] = [holder(), holder(), holder()]
  await slots.enter(a)
  await slots.enter(b)
  const refused = slots.enter(c)
  c.gone = true
  a.gone = true
  const next = holder()
  await slots.enter(next)
  await t.rejects(refused, { code: 'BUSY' })
  t.equal(slots.taken, 2)
})

t.test('a caller with a key has only a part of the places', async (t) => {
  const slots = createSlots({ ...LIMITS, atOnce: 3, waiting: 0, perCaller: 1 })
  await slots.enter(holder('ann'))
  await t.rejects(slots.enter(holder('ann')), { code: 'BUSY', message: /^1 exports of this key/ })
  await slots.enter(holder('bob'))
  await slots.enter(holder())
  await t.rejects(slots.enter(holder()), { code: 'BUSY' })
})
