import t from 'tap'
import fc from '../../properties.js'
import { clusterNames } from '../../../models/clustering/cluster-name.js'
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

t.test('clusters of one kind are named by what sets each apart', async (t) => {
  const quiet = { avgRequestsPerMinute: 1, peakRequestsPerMinute: 4, avgLatencyMs: 50, errorRate: 0.01 }
  const cases: [changes: Partial<typeof quiet>[], names: string[]][] = [
    [[{}], ['low_traffic']],
    [
      [{}, { avgLatencyMs: 300 }],
      ['low_traffic_faster', 'low_traffic_slower'],
    ],
    [
      [{}, { errorRate: 0.5 }, { peakRequestsPerMinute: 400 }],
      ['low_traffic_lower_peaks', 'low_traffic_more_errors', 'low_traffic_higher_peaks'],
    ],
    [
      [{}, { avgLatencyMs: 300 }, { avgLatencyMs: 300, peakRequestsPerMinute: 10 }],
      ['low_traffic_faster', 'low_traffic_slower_lower_peaks', 'low_traffic_slower_higher_peaks'],
    ],
    [
      [{}, { avgLatencyMs: 51 }],
      ['low_traffic', 'low_traffic_1'],
    ],
  ]
  for (const [changes, names] of cases) {
    t.same(clusterNames(changes.map((change) => ({ ...quiet, ...change }))), names)
  }
})

t.test('no two names are equal', async () => {
  const centre = fc.record({
    avgRequestsPerMinute: fc.constantFrom(0.5, 1, 20, 200),
    peakRequestsPerMinute: fc.constantFrom(1, 10, 1000),
    avgLatencyMs: fc.constantFrom(20, 300, 900),
    errorRate: fc.constantFrom(0, 0.02, 0.5),
  })
  fc.assert(
    fc.property(fc.array(centre, { maxLength: 50 }), (centres) => {
      const names = clusterNames(centres)
      return names.length === centres.length && new Set(names).size === names.length
    }),
  )
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
