import fc from 'fast-check'
import t from 'tap'
import { clusterEndpoints } from '../../../models/clustering/endpoint-clusters.js'
import { createRandom } from '../../../models/statistics/random.js'
import { profile } from '../rate-limit/profiles.js'

const kinds = [
  { name: 'high_traffic_fast', rpm: 2000, latency: 20 },
  { name: 'high_traffic_slow', rpm: 1500, latency: 900 },
  { name: 'medium_traffic', rpm: 40, latency: 60 },
  { name: 'low_traffic', rpm: 0.5, latency: 30 },
  { name: 'low_traffic_slow', rpm: 0.4, latency: 4000 },
]

/** Eight endpoints of every kind, a little apart. */
const random = createRandom(3)
const near = () => Math.exp(0.1 * random.normal())
const profiles = kinds.flatMap(({ name, rpm, latency }) =>
  Array.from({ length: 8 }, (_, i) =>
    profile({
      endpoint: `/${name}/${i}`,
      avgRequestsPerMinute: rpm * near(),
      peakRequestsPerMinute: 3 * rpm * near(),
      avgLatencyMs: latency * near(),
    }),
  ),
)

t.test('endpoints that are alike come together, under the name of what they are', async (t) => {
  const clusters = clusterEndpoints(profiles, 5)
  t.same(clusters.map(({ name }) => name).toSorted(), kinds.map(({ name }) => name).toSorted())
  for (const { name, endpoints, size, centre } of clusters) {
    t.equal(size, 8)
    t.same(
      endpoints,
      Array.from({ length: 8 }, (_, i) => `/${name}/${i}`),
    )
    const { rpm, latency } = kinds.find((kind) => kind.name === name)!
    t.ok(centre.avgRequestsPerMinute > 0.8 * rpm && centre.avgRequestsPerMinute < 1.25 * rpm)
    t.ok(centre.avgLatencyMs > 0.8 * latency && centre.avgLatencyMs < 1.25 * latency)
  }
  t.match(clusters[0], { name: 'high_traffic_fast' }, 'busiest first')
})

t.test('the order of the profiles does not matter', async () => {
  const expected = JSON.stringify(clusterEndpoints(profiles, 4))
  fc.assert(
    fc.property(fc.shuffledSubarray(profiles, { minLength: profiles.length }), (shuffled) => {
      return JSON.stringify(clusterEndpoints(shuffled, 4)) === expected
    }),
    { numRuns: 20 },
  )
})

t.test('every endpoint is in one cluster, however many are asked for; names do not repeat', async (t) => {
  for (const n of [1, 2, 7, 40, 50]) {
    const clusters = clusterEndpoints(profiles, n)
    t.ok(clusters.length <= Math.min(n, profiles.length))
    t.same(
      clusters.flatMap(({ endpoints }) => endpoints).toSorted(),
      profiles.map(({ endpoint }) => endpoint).toSorted(),
    )
    t.equal(new Set(clusters.map(({ name }) => name)).size, clusters.length)
  }
  t.ok(clusterEndpoints(profiles, 50).some(({ name }) => name.endsWith('_1')))
})

t.test('a single endpoint, endpoints all alike, and none', async (t) => {
  t.match(clusterEndpoints([profile()], 5), [{ name: 'medium_traffic', size: 1, endpoints: ['/api/users'] }])
  const alike = ['/a', '/b', '/c'].map((endpoint) => profile({ endpoint }))
  t.match(clusterEndpoints(alike, 3), [{ size: 3 }])
  t.same(clusterEndpoints([], 5), [])
  t.equal(clusterEndpoints([profile({ method: 'GET' })], 1)[0]!.endpoints[0], 'GET /api/users')
})

t.test('numbers of clusters that are none are refused', async (t) => {
  for (const n of [0, -1, 1.5, NaN]) t.throws(() => clusterEndpoints(profiles, n), RangeError)
})
