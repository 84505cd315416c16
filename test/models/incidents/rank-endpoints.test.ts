import t from 'tap'
import { rankEndpoints, type EndpointTraffic } from '../../../models/incidents/rank-endpoints.js'

const traffic = (
  endpoint: string,
  requests: number,
  failed = 0,
  latencyMs: number | null = 20,
): EndpointTraffic => ({
  ...{ endpoint, minutes: 10, requests, failed, latencyMs },
})
const BEFORE = [traffic('a', 1000, 10), traffic('b', 100, 1), traffic('c', 500, 0, null)]

t.test('endpoints are ranked by what went wrong, compared with the time before', (t) => {
  const ranked = (...[type, ...during]: [Parameters<typeof rankEndpoints>[0], ...EndpointTraffic[]]) =>
    rankEndpoints(type, 10, during, BEFORE).map(({ endpoint, share }) => [endpoint, Math.round(100 * share)])
  t.same(ranked('error_rate_spike', traffic('a', 1000, 10), traffic('b', 100, 51)), [['b', 100]])
  t.same(
    ranked('latency_spike', traffic('a', 1000, 10, 23), traffic('b', 100, 1, 110), traffic('c', 500, 0, 90)),
    [
      ['b', 75],
      ['a', 25],
    ],
  )
  t.same(ranked('traffic_spike', traffic('a', 1010), traffic('b', 100), traffic('new', 990)), [
    ['new', 99],
    ['a', 1],
  ])
  t.same(ranked('traffic_drop', traffic('a', 1000), traffic('b', 100)), [['c', 100]])
  t.same(ranked('multi_dimensional', traffic('a', 1000, 110), traffic('b', 100, 1, 60)), [
    ['a', 50],
    ['b', 50],
  ])
  t.same(ranked('error_rate_spike', traffic('a', 1000, 10)), [], 'nothing is worse than before')
  t.match(rankEndpoints('traffic_drop', 10, [], BEFORE), [
    { endpoint: 'a' },
    { endpoint: 'c' },
    { endpoint: 'b' },
  ])
  t.same(rankEndpoints('traffic_drop', 10, [], []), [])
  t.end()
})

t.test('at most twenty endpoints are named, the shares of all of them are at most 1', (t) => {
  const during = Array.from({ length: 60 }, (_, i) => traffic(`e${i}`, 100, 60 - i / 10))
  const found = rankEndpoints('error_rate_spike', 10, during, [])
  t.equal(found.length, 20)
  t.equal(found[0]!.endpoint, 'e0')
  t.ok(found.reduce((sum, { share }) => sum + share, 0) <= 1)
  t.end()
})
