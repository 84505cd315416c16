import t from 'tap'
import {
  EndpointCandidates,
  hasEarnedName,
  isAttackPath,
  type Candidate,
  type EndpointCount,
} from '../../../models/traffic/endpoint-candidates.js'
import { DAY_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

const count = (changes: Partial<EndpointCount> = {}): EndpointCount => ({
  ...{ method: 'GET', path: '/a', requests: 1, successes: 1, notFound: 0, probes: 0 },
  ...{ firstClient: 1, lastClient: 1, firstMs: 0, lastMs: 0 },
  ...changes,
})
const candidate = (changes: Partial<EndpointCount>): Candidate => ({
  ...count(changes),
  weight: 1,
  minutes: [],
})

t.test(
  'a name is earned through successes of several clients, on several days, many of them, or declared',
  async (t) => {
    const cases: [Partial<EndpointCount>, boolean][] = [
      [{}, false],
      [{ lastClient: 2 }, true],
      [{ lastMs: DAY_MS }, true],
      [{ requests: 10, successes: 10 }, true],
      [{ declared: true }, true],
      [{ declared: true, successes: 0, requests: 5 }, false],
      [{ lastClient: 2, requests: 5, notFound: 3, successes: 2 }, false],
      [{ lastClient: 2, requests: 4, notFound: 2, successes: 2 }, true],
    ]
    for (const [changes, earned] of cases)
      t.equal(hasEarnedName(candidate(changes)), earned, JSON.stringify(changes))
    t.ok(isAttackPath({ requests: 10, notFound: 9, probes: 8 }))
    t.notOk(isAttackPath({ requests: 10, notFound: 9, probes: 1 }), 'many visitors miss the same file')
  },
)

t.test('heavy hitters are kept among 100,000 others, in bounded memory', async (t) => {
  const candidates = new EndpointCandidates()
  for (let chunk = 0; chunk < 50; chunk++) {
    const junk = Array.from({ length: 2_000 }, (_, i) => count({ path: `/junk/${chunk}/${i}` }))
    const missing = junk.map((each) => ({ ...each, path: `/no${each.path}`, successes: 0, notFound: 1 }))
    const real = Array.from({ length: 100 }, (_, i) =>
      count({ path: `/api/${i}`, requests: 3, successes: 3 }),
    )
    candidates.add([...junk, ...missing, ...real])
    t.ok(candidates.all.length <= 5_000)
  }
  const heaviest = candidates.earned().map(({ path }) => path)
  t.equal(new Set(heaviest.filter((path) => path.startsWith('/api/'))).size, 100)
})

t.test('paths that never succeed displace nothing', async (t) => {
  const candidates = new EndpointCandidates()
  candidates.add([count({ path: '/api/orders' })])
  const junk = Array.from({ length: 50_000 }, (_, i) =>
    count({ path: `/${i}`, requests: 9, successes: 0, notFound: 9 }),
  )
  candidates.add(junk)
  t.equal(candidates.all.length, 1_001)
  t.ok(candidates.all.some(({ path }) => path === '/api/orders'))
})

t.test('what is counted again is not counted twice', async (t) => {
  const known = { ...candidate({ requests: 4, successes: 4, lastMs: 10 * MINUTE_MS }), minutes: [0, 10] }
  const at = (minute: number, requests: number) =>
    count({ requests, successes: requests, firstMs: minute * MINUTE_MS, lastMs: minute * MINUTE_MS })

  const changed = new EndpointCandidates([known])
  changed.add([at(0, 3)], { again: 'changed' })
  t.match(changed.all, [{ requests: 4, successes: 4 }])
  changed.add([at(5, 3)], { again: 'changed' })
  t.match(changed.all, [{ requests: 6 }], 'more requests have come')
  changed.add([at(20, 1)], { again: 'changed' })
  t.match(changed.all, [{ requests: 7, successes: 7, minutes: [0, 10, 20, 20] }])

  const fresh = new EndpointCandidates()
  for (const minute of [0, 10]) fresh.add([at(minute, 2)])
  for (const minute of [0, 10, 10]) fresh.add([at(minute, 2)], { again: 'same' })
  t.match(fresh.all, [{ requests: 4, successes: 4, weight: 4, minutes: [0, 0, 10, 10] }])
  fresh.add([at(5, 1)], { again: 'same' })
  t.match(fresh.all, [{ requests: 5 }], 'it was part of another endpoint before')
})

t.test('the order in which chunks come does not matter, and ranges are bounded', async (t) => {
  const chunks = Array.from({ length: 40 }, (_, i) =>
    count({ firstMs: i * i * MINUTE_MS, lastMs: i * i * MINUTE_MS, firstClient: i, lastClient: i }),
  )
  const inOrder = new EndpointCandidates()
  for (const each of chunks) inOrder.add([each])
  const [found] = inOrder.all
  t.equal(found!.minutes.length, 32)
  t.match(found, { requests: 40, firstClient: 0, lastClient: 39, firstMs: 0 })
  t.equal(found!.minutes.at(-1), 39 * 39)
})
