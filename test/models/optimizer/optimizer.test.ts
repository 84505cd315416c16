import fc from 'fast-check'
import t from 'tap'
import { recommendation } from '../../../eval/limits/recommendation.js'
import { burstOn, endpointBurst } from '../../../models/optimizer/burst-curve.js'
import { DailyCurve } from '../../../models/optimizer/daily-curve.js'
import { findEndpoint } from '../../../models/optimizer/endpoint-lookup.js'
import { OptimizerFit } from '../../../models/optimizer/fit.js'
import { recommend } from '../../../models/optimizer/recommend.js'
import { SecondCounts } from '../../../models/optimizer/second-counts.js'
import { rateOptimizerFromState, rateOptimizerToState } from '../../../models/optimizer/state.js'
import { TokenBuckets } from '../../../models/rate-limit/replay/token-bucket.js'
import { quantile } from '../../../models/statistics/quantile.js'

const NOBODY = 0xffffffff

/** Two endpoints, of which one has two methods; a request each ten seconds for an hour, of three clients in turns. */
function fitted() {
  const minutes = Float64Array.from({ length: 60 }, (_, i) => i)
  const rollup = (method: string, path: string) => ({
    ...{ method, path, minutes, counts: minutes.map(() => 2) },
    ...{ latencySumMs: 1200, latencies: 120, errors: 12 },
  })
  const rollups = [rollup('GET', '/a'), rollup('POST', '/a'), rollup('GET', '/b')]
  const fit = new OptimizerFit(rollups, { excluded: [], seed: 1, nobody: NOBODY })
  const timeMs = Array.from({ length: 360 }, (_, i) => i * 10_000)
  fit.arrivals.add({
    length: 360,
    timeMs,
    client: timeMs.map((_, i) => (i % 4 === 3 ? NOBODY : i % 4)),
    endpoint: timeMs.map((_, i) => 1 + (i % 3)),
  })
  return fit.model((client) => `client-${client}`)
}

t.test('methods of one path are one endpoint, and each by itself', async (t) => {
  const model = fitted()
  t.same([...model.byTemplate.keys()], ['/a', '/b'])
  t.same([...model.byMethod.keys()], ['GET /a', 'GET /b', 'POST /a'])
  t.equal(model.requests, 360)
  t.match(model.byTemplate.get('/a')!.profile, {
    ...{ method: null, total_requests: 240, unique_users: 3, error_rate: 0.1, avg_latency_ms: 10 },
    ...{ typical_burst_size: 1, largest_burst_size: 1 },
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
  for (const bad of [null, {}, { requests: 1 }, { requests: 1, by_template: [['/a', {}]], by_method: [] }]) {
    t.throws(() => rateOptimizerFromState(bad))
  }
})

t.test('all callers and each of them have their limits; nobody is no client', async (t) => {
  const model = fitted().byTemplate.get('/a')!
  const asked = { endpoint: '/a', tier: 'default', strategy: 'balanced', currentLimit: null, model } as const
  t.match(recommend({ ...asked, scope: 'endpoint' }), {
    recommended_limit: 10,
    recommended_burst: 10,
    clients: null,
  })
  t.match(recommend({ ...asked, scope: 'client' }), { scope: 'client', clients: 3, recommended_limit: 5 })
  const unknown = recommend({ ...asked, scope: 'client', model: { ...model, client: null } })
  t.match(recommend({ ...asked, scope: 'client', tier: 'premium', model: null }), {
    ...{ scope: 'client', recommended_limit: 1000, recommended_burst: 2000 },
    ...{ long_window: null, clients: null, runaway_names: [] },
  })
  t.match(unknown, { scope: 'endpoint', warnings: [/./, /^No client of this endpoint is known/] })
})

t.test('clients at a steady 2,500 a minute need a burst, not a whole minute at once', async (t) => {
  const times = Array.from({ length: 120 * 2500 }, (_, i) => i * 24)
  const found = recommendation({
    timeMs: Float64Array.from(times.flatMap((time) => [time, time + 1])),
    client: Uint32Array.from(times.flatMap(() => [0, 1])),
  })
  t.ok(found.recommended_limit >= 2500 && found.recommended_limit <= 3000)
  t.ok(found.recommended_burst < 0.5 * found.recommended_limit, `${found.recommended_burst}`)
})

t.test('the bucket of a day’s depth rejects nothing, and one token less does', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 86_399_999 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 100 }), (given, limit) => {
      const sorted = given.toSorted((a, b) => a - b)
      const curve = new DailyCurve([limit])
      for (const time of sorted) curve.add(time)
      const burst = curve.points()[0]!.burst
      const rejects = (depth: number) => {
        const bucket = new TokenBuckets({ limit, burst: depth, windowMs: 60_000 }, 0)
        return sorted.some((time) => !bucket.take(0, time))
      }
      return !rejects(burst) && (burst === 1 || rejects(burst - 1))
    }),
  )
})

t.test('a flood on one of ten days and more does not rule the burst', async (t) => {
  const curve = new DailyCurve([60])
  for (let day = 0; day < 21; day++) {
    for (let i = 0; i < (day === 3 ? 5000 : 5); i++) curve.add(day * 86_400_000)
  }
  t.same(curve.points(), [{ limit: 60, burst: 5 }])
})

t.test('busy seconds are a quantile of those with requests', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 50 }), (counts) => {
      const seconds = new SecondCounts()
      counts.forEach((count, i) => Array.from({ length: count }, () => seconds.add(3 * i)))
      const found = seconds.summary(0.99)
      return Math.abs(found.quantile - quantile(counts, 0.99)) < 1e-9 && found.highest === Math.max(...counts)
    }),
  )
  t.same(new SecondCounts().summary(0.99), { quantile: 0, highest: 0 })
})

t.test('bursts between known rates lie on a line, and stay within bounds', async (t) => {
  const curve = [
    { limit: 10, burst: 100 },
    { limit: 20, burst: 50 },
  ]
  t.same(
    [5, 10, 15, 20, 99].map((limit) => burstOn(curve, limit)),
    [100, 100, 75, 50, 50],
  )
  t.equal(endpointBurst(curve, 15), 15, 'not more than a minute at the limit')
  t.equal(endpointBurst(curve, 600), 100, 'ten seconds at the least')
})
