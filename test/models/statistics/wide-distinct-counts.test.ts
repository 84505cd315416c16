import t from 'tap'
import { WideDistinctCounts } from '../../../models/statistics/wide-distinct-counts.js'
import { hashPath } from '../../../models/traffic/path-hash.js'

const hashOf = (path: string) => {
  const into = { path: 0, target: 0 }
  hashPath(Buffer.from(path), 0, Buffer.byteLength(path), into)
  return into.target
}

t.test('it counts a few values and tens of thousands, each value once', async (t) => {
  const counts = new WideDistinctCounts()
  const sizes = [0, 1, 20, 200, 1000, 5000, 20_000]
  for (const [owner, size] of sizes.entries()) {
    for (let i = 0; i < 2 * size; i++) counts.add(owner, hashOf(`/items/${i % size}`))
    const estimate = counts.estimate(owner)
    t.ok(Math.abs(estimate - size) <= 0.25 * size, `${size}: ${estimate}`)
  }
  t.equal(counts.estimate(99), 0, 'an owner without values')
})

t.test('more values than it can count are infinitely many', async (t) => {
  const counts = new WideDistinctCounts()
  for (let i = 0; i < 200_000; i++) counts.add(0, hashOf(`/items/${i}`))
  t.equal(counts.estimate(0), Infinity)
})
