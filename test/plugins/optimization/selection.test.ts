import t from 'tap'
import { GATEWAY } from '../../../models/rate-limit/recommendation.js'
import {
  assertMatch,
  matches,
  nothingMatches,
  pageOf,
  pageOfClusters,
  type EndpointSelection,
} from '../../../plugins/optimization/selection.js'

const orders = {
  endpoint: 'GET /api/orders',
  confidence: 0.8,
  state: 'named',
  profile: { totalRequests: 500 },
} as const
const saved = (endpoint: string) => (endpoint === orders.endpoint ? 'applied' : undefined)

t.test('an endpoint is selected by requests, confidence, path, state and saved status', async (t) => {
  const cases: [EndpointSelection, boolean][] = [
    [{}, true],
    [{ minRequests: 500, minConfidence: 0.8, prefix: '/api/', status: 'named' }, true],
    [{ minRequests: 501 }, false],
    [{ minConfidence: 0.81 }, false],
    [{ prefix: '/Api' }, false],
    [{ prefix: 'GET ' }, false],
    [{ status: 'other' }, false],
    [{ status: 'applied' }, true],
    [{ status: 'pending' }, false],
  ]
  for (const [selection, expected] of cases) {
    t.equal(matches(selection, orders, saved), expected, JSON.stringify(selection))
  }
  const whole = { ...orders, endpoint: GATEWAY }
  t.equal(matches({ minRequests: 1 }, whole, saved), true)
  t.equal(matches({ prefix: '/' }, whole, saved), false, 'the whole gateway has no path')
})

t.test('a page is cut from a list, and from the endpoints of clusters in their order', async (t) => {
  t.same(pageOf([1, 2, 3], {}), [1, 2, 3])
  t.same(pageOf([1, 2, 3], { limit: 1, offset: 1 }), [2])
  t.same(pageOf([1, 2, 3], { offset: 3 }), [])
  const centre = { avgRequestsPerMinute: 1, peakRequestsPerMinute: 1, avgLatencyMs: 1, errorRate: 0 }
  const clusters = [
    { name: 'busy', endpoints: ['/a', '/b'], size: 2, centre },
    { name: 'quiet', endpoints: ['/c'], size: 1, centre },
  ]
  t.match(pageOfClusters(clusters, { limit: 2, offset: 1 }), [
    { name: 'busy', endpoints: ['/b'], size: 2 },
    { name: 'quiet', endpoints: ['/c'] },
  ])
  t.match(pageOfClusters(clusters, { offset: 2 }), [{ name: 'quiet' }])
})

t.test('a selection that leaves nothing is named', async (t) => {
  t.match(nothingMatches({ minRequests: 9, prefix: '/x' }), /matches min_requests 9, prefix "\/x"\./)
  t.throws(() => assertMatch({ status: 'applied' }), { code: 'NO_DATA', message: /status "applied"/ })
  t.doesNotThrow(() => assertMatch({}), 'without a selection, an empty file is what it was')
})
