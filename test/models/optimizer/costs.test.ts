import t from 'tap'
import { RateOptimizerFit } from '../../../models/optimizer/fit.js'
import type { RateOptimizer } from '../../../models/optimizer/model.js'
import { recommend } from '../../../models/optimizer/recommend.js'
import { GATEWAY, type Scope } from '../../../models/rate-limit/recommendation.js'
import { costsByLatency, weightOf } from '../../../models/rate-limit/request-costs.js'
import { Replay } from '../../../models/rate-limit/replay/replay.js'
import { TIERS } from '../../../models/rate-limit/tiers.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import { crowd, START_MS, steady, type Request } from '../rate-limit/clients/crowd.js'

const NOBODY = 0xffffffff
const PATHS = ['/items/{id}', '/reports']

/** A request for an endpoint: 0 has no name, the others are PATHS. */
type Asked = Request & { readonly endpoint: number }

/** @param latencies mean of each endpoint, 0 where none is known */
function fitted(requests: readonly Asked[], latencies: readonly number[]): RateOptimizer {
  const sorted = requests.toSorted((a, b) => a.timeMs - b.timeMs)
  const rollup = (path: string, endpoint: number) => {
    const counts = new Map<number, number>()
    for (const each of sorted) {
      if (each.endpoint !== endpoint) continue
      const minute = Math.floor(each.timeMs / MINUTE_MS)
      counts.set(minute, (counts.get(minute) ?? 0) + 1)
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
    return {
      ...{ method: 'GET', path, minutes: Float64Array.from(counts.keys()), errors: 0 },
      counts: Float64Array.from(counts.values()),
      latencySumMs: total * latencies[endpoint]!,
      latencies: latencies[endpoint]! > 0 ? total : 0,
    }
  }
  const rollups = PATHS.map((path, i) => rollup(path, i + 1))
  const fit = new RateOptimizerFit(rollups, {
    ...{ excluded: [], seed: 1, nobody: NOBODY, other: [rollup('other', 0)] },
  })
  fit.arrivals.add({
    length: sorted.length,
    timeMs: sorted.map(({ timeMs }) => timeMs),
    client: sorted.map(({ client }) => client),
    endpoint: sorted.map(({ endpoint }) => endpoint),
  })
  return fit.model((client) => ({ client: String(client), kind: 'user' }))
}

function limitOf(model: RateOptimizer, scope: Scope, isCost: boolean, endpoint = GATEWAY) {
  return recommend({
    ...{ endpoint, tier: TIERS.default, strategy: 'balanced', currentLimit: null, scope },
    model: scope === 'gateway-client' ? model.gateway : model.byTemplate.get(endpoint)!,
    costs: isCost ? model.costs : null,
  })
}

const people: readonly Asked[] = crowd(150, 8).map((request, i) => ({
  ...request,
  endpoint: i % 20 === 0 ? 2 : i % 7 === 0 ? 0 : 1,
}))

t.test('an endpoint costs its mean latency; what has none costs the mean of what has no name', async (t) => {
  const timed = (endpoint: string, latencySumMs: number, latencies: number) => ({
    ...{ endpoint, latencySumMs, latencies },
  })
  const known = [timed('/a', 1234, 100), timed('/b', 3, 10), timed('/c', 0, 0)]
  const costs = costsByLatency(known, [timed('', 2000, 50)])!
  t.same([...costs.weights, costs.defaultWeight], [['/a', 12], ['/b', 1], ['/c', 40], 40])
  t.equal(weightOf(costs, '/d'), 40)
  t.equal(costsByLatency(known, [])!.defaultWeight, 11, 'the mean of all')
  t.equal(costsByLatency([timed('/c', 0, 0)], [timed('', 0, 0)]), null)
})

t.test('where all requests cost the same, the limit is that in requests, times the cost', async (t) => {
  const model = fitted(people, [40, 40, 40])
  for (const [scope, endpoint] of [['gateway-client'], ['client', PATHS[0]]] as [Scope, string?][]) {
    const requests = limitOf(model, scope, false, endpoint)
    const costs = limitOf(model, scope, true, endpoint)
    t.equal(requests.costs, null)
    t.match(costs, { limit: 40 * requests.limit, burst: 40 * requests.burst, failures: requests.failures })
    t.equal(costs.longWindow?.limit, requests.longWindow && 40 * requests.longWindow.limit)
    t.equal(costs.interval!.upper, 40 * requests.interval!.upper)
    t.equal(costs.confidence, requests.confidence)
    t.match(costs.reasoning, /^Figures are in average requests, each of which costs 40 ms\./)
  }
})

t.test('who asks for nothing but what is dear is stopped by its cost alone', async (t) => {
  const model = fitted(people, [10, 10, 800])
  const byCost = limitOf(model, 'gateway-client', true)
  const byRequests = limitOf(model, 'gateway-client', false)
  t.same(
    [...byCost.costs!.weights],
    [
      ['/items/{id}', 10],
      ['/reports', 800],
    ],
  )
  const perHour = Math.floor(60 * 0.6 * byRequests.limit)
  const greedy = steady(1000, perHour, 100, 10).map((request) => ({ ...request, endpoint: 2 }))
  const replayed = ({ limit, burst }: typeof byCost, weights?: readonly number[]) => {
    const all = [...people, ...greedy].toSorted((a, b) => a.timeMs - b.timeMs)
    const replay = new Replay({
      ...{ rules: [null, null, null], scope: 'client', algorithm: 'token_bucket' },
      gateway: { limit, burst, windowMs: MINUTE_MS },
      ...(weights && { weights }),
    })
    replay.push({
      length: all.length,
      timeMs: Float64Array.from(all, ({ timeMs }) => timeMs),
      client: Uint32Array.from(all, ({ client }) => client),
      endpoint: Uint32Array.from(all, ({ endpoint }) => endpoint),
      tier: new Uint8Array(all.length),
    })
    return replay.report()
  }
  const rejectedOf = (report: ReturnType<typeof replayed>) =>
    report.worstClients.find(({ client }) => client === 1000)?.rejected ?? 0
  t.equal(rejectedOf(replayed(byRequests)), 0)
  const found = replayed(byCost, [10, 10, 800])
  t.ok(rejectedOf(found) > 0.5 * greedy.length, `${rejectedOf(found)} of ${greedy.length}`)
  const ofPeople = found.rejected - rejectedOf(found)
  t.ok(ofPeople < 0.001 * people.length, `${ofPeople} of ${people.length}`)
})

t.test('the sentences have short figures', async (t) => {
  const { reasoning, warnings } = limitOf(fitted(people, [7, 13, 90]), 'gateway-client', true)
  t.notMatch([reasoning, ...warnings].join(' '), /\d\.\d{3}/)
})

t.test('no limit is below the cost of the dearest request, and a warning says so', async (t) => {
  const rare = people.map((each, i): Asked => ({ ...each, endpoint: i === 5 ? 2 : 1 }))
  const found = limitOf(fitted(rare, [10, 10, 60_000]), 'gateway-client', true)
  t.match(found, { limit: 60_000, burst: 60_000 })
  t.match(found.warnings, [
    /average requests, each of which costs \d+ ms/,
    /^A request of \/reports costs 60000 ms, so no limit can be lower; without it, \d+ would be enough/,
  ])
})

t.test('a program gets an exception in milliseconds', async (t) => {
  const program = Array.from({ length: 8 * 24 * 6 }, (_, i) =>
    Array.from({ length: 60 }, (_, k): Asked => {
      return { timeMs: START_MS + i * 10 * MINUTE_MS + 200 * k, client: 500, endpoint: 1 }
    }),
  ).flat()
  const model = fitted([...people, ...program], [20, 20, 20])
  const byRequests = limitOf(model, 'gateway-client', false).exceptions
  t.match(byRequests, [{ client: '500' }])
  t.same(
    limitOf(model, 'gateway-client', true).exceptions,
    byRequests.map((each) => ({ ...each, limit: 20 * each.limit, burst: 20 * each.burst })),
  )
})

t.test('without latencies or clients there are no costs', async (t) => {
  t.equal(fitted(people, [0, 0, 0]).costs, null)
  t.equal(
    fitted(
      people.map((each) => ({ ...each, client: NOBODY })),
      [5, 5, 5],
    ).costs,
    null,
  )
})
