import t from 'tap'
import { DistinctCounts } from '../../../models/statistics/distinct-counts.js'
import { hashPath } from '../../../models/traffic/path-hash.js'

const hashes = (path: string) => {
  const into = { path: 0, target: 0 }
  hashPath(Buffer.from(`..${path}.`), 2, 2 + Buffer.byteLength(path), into)
  return into
}

t.test('different values are counted within a few percent, each owner by itself', async (t) => {
  const counts = new DistinctCounts(512)
  for (const n of [1, 20, 100, 500]) {
    for (let i = 0; i < 3 * n; i++) counts.add(n, hashes(`/items/${i % n}`).path)
    t.ok(Math.abs(counts.estimate(n) - n) <= 1 + 0.15 * n, `${n}: ${counts.estimate(n)}`)
  }
  t.equal(counts.estimate(2), 0)
  counts.clear(100)
  t.equal(counts.estimate(100), 0)
  for (let i = 0; i < 100_000; i++) counts.add(3, hashes(`/${i}`).path)
  t.ok(counts.estimate(3) > 2000 && Number.isFinite(counts.estimate(3)), 'and it is bounded')
})

t.test('the query string is part of the target only', async (t) => {
  t.equal(hashes('/a?x=1').path, hashes('/a?x=2').path)
  t.not(hashes('/a?x=1').target, hashes('/a?x=2').target)
  t.equal(hashes('/a').path, hashes('/a').target)
  t.not(hashes('/a').path, hashes('/b').path)
})
