import t from 'tap'
import { recommendation } from '../../../eval/limits/recommendation.js'
import { findEndpoint } from '../../../models/optimizer/find-endpoint.js'
import { RateOptimizerFit } from '../../../models/optimizer/fit.js'
import { recommend } from '../../../models/optimizer/recommend.js'
import { TIERS } from '../../../models/rate-limit/tiers.js'
import { rateOptimizerFromState, rateOptimizerToState } from '../../../models/optimizer/state.js'

const NOBODY = 0xffffffff

/** Two endpoints, of which one has two methods; a request each ten seconds for an hour, of three clients in turns. */
function fitted() {
  const minutes = Float64Array.from({ length: 60 }, (_, i) => i)
  const rollup = (method: string, path: string) => ({
    ...{ method, path, minutes, counts: minutes.map(() => 2) },
    ...{ latencySumMs: 1200, latencies: 120, errors: 12 },
  })
  const rollups = [rollup('GET', '/a'), rollup('POST', '/a'), rollup('GET', '/b')]
  const fit = new RateOptimizerFit(rollups, { excluded: [], seed: 1, nobody: NOBODY })
  const timeMs = Array.from({ length: 360 }, (_, i) => i * 10_000)
  fit.arrivals.add({
    length: 360,
    timeMs,
    client: timeMs.map((_, i) => (i % 4 === 3 ? NOBODY : i % 4)),
    endpoint: timeMs.map((_, i) => 1 + (i % 3)),
  })
  return fit.model((client) => ({ client: `client-${client}`, kind: 'user' as const }))
}

t.test('methods of one path are one endpoint, and each by itself', async (t) => {
  const model = fitted()
  t.same([...model.byTemplate.keys()], ['/a', '/b'])
  t.same([...model.byMethod.keys()], ['GET /a', 'GET /b', 'POST /a'])
  t.equal(model.requests, 360)
  t.match(model.byTemplate.get('/a')!.profile, {
    ...{ method: null, totalRequests: 240, uniqueUsers: 3, errorRate: 0.1, avgLatencyMs: 10 },
    ...{ typicalBurstSize: 1, largestBurstSize: 1 },
  })
  t.match(findEndpoint(model, 'post /a?x=1'), {
    name: 'POST /a',
    hasMethod: true,
    model: { profile: { method: 'POST' } },
  })
  t.match(findEndpoint(model, '/c/42'), { name: '/c/{id}', hasMethod: false, model: null })
})

t.test('a model survives JSON to the last digit, and what is none is refused', async (t) => {
  const model = fitted()
  const state: unknown = JSON.parse(JSON.stringify(rateOptimizerToState(model)))
  t.strictSame(rateOptimizerFromState(state), model)
  for (const bad of [null, {}, { requests: 1 }, { requests: 1, byTemplate: [['/a', {}]], byMethod: [] }]) {
    t.throws(() => rateOptimizerFromState(bad))
  }
})

t.test('all callers and each of them have their limits; nobody is no client', async (t) => {
  const model = fitted().byTemplate.get('/a')!
  const asked = {
    endpoint: '/a',
    tier: TIERS.default,
    strategy: 'balanced',
    currentLimit: null,
    model,
  } as const
  t.match(recommend({ ...asked, scope: 'endpoint' }), {
    limit: 10,
    burst: 10,
    clients: null,
  })
  t.match(recommend({ ...asked, scope: 'client' }), { scope: 'client', clients: 3, limit: 8 })
  const unknown = recommend({ ...asked, scope: 'client', model: { ...model, client: null } })
  t.match(recommend({ ...asked, scope: 'client', tier: TIERS.premium, model: null }), {
    ...{ scope: 'client', limit: 1000, burst: 2000 },
    ...{ longWindow: null, clients: null, runawayNames: [] },
  })
  t.match(unknown, { scope: 'endpoint', warnings: [/./, /^No client of this endpoint is known/] })
})

t.test('clients at a steady 2,500 a minute need a burst, not a whole minute at once', async (t) => {
  const times = Array.from({ length: 120 * 2500 }, (_, i) => i * 24)
  const found = recommendation({
    timeMs: Float64Array.from(times.flatMap((time) => [time, time + 1])),
    client: Uint32Array.from(times.flatMap(() => [0, 1])),
  })
  t.ok(found.limit >= 2500 && found.limit <= 3000)
  t.ok(found.burst < 0.5 * found.limit, `${found.burst}`)
})
