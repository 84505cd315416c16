import t from 'tap'
import fc from '../../properties.js'
import { Occurrences } from '../../../formats/access-log/occurrences.js'

t.test('the count of a plain Map, for any hashes', async () => {
  const hash = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 2 ** 52 }))
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 300 }), (hashes) => {
      const occurrences = new Occurrences()
      const counts = new Map<number, number>()
      return hashes.every((hash) => {
        counts.set(hash, (counts.get(hash) ?? 0) + 1)
        return occurrences.add(hash) === counts.get(hash)
      })
    }),
  )
})

const spread = (value: number) => Math.imul(value, 0x9e3779b1) >>> 0

t.test('tables grow without losing a count; hashes that share a slot stay apart', async (t) => {
  const occurrences = new Occurrences()
  const hashes = Array.from({ length: 30_000 }, (_, i) => (i % 3) * 2 ** 32 + spread(Math.floor(i / 3)))
  t.ok(hashes.every((hash) => occurrences.add(hash) === 1))
  t.ok(hashes.every((hash) => occurrences.add(hash) === 2))
})

t.test('what was there long ago is forgotten, what was there lately is not', async (t) => {
  const occurrences = new Occurrences(100)
  for (let hash = 1; hash <= 250; hash++) occurrences.add(hash)
  t.equal(occurrences.add(250), 2)
  t.equal(occurrences.add(151), 2)
  t.equal(occurrences.add(1), 1)
})
