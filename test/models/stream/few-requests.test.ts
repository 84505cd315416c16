import t, { type Test } from 'tap'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { expectedBand } from '../../../models/anomaly/expected-band.js'
import { N_FEATURES, type Interval } from '../../../models/anomaly/features.js'
import { measure } from '../../../models/anomaly/measure.js'
import { fitAnomalyModel } from '../../../models/anomaly/model.js'
import { createKernelEngine } from '../../../models/scoring/kernel-engine.js'
import { quantileSorted } from '../../../models/statistics/quantile.js'
import { createRandom, type Random } from '../../../models/statistics/random.js'
import { calibrate } from '../../../models/stream/calibration/calibrate.js'
import { beginStream, GATEWAY } from '../../../models/stream/stream-state.js'
import { judgeNext } from '../../../models/stream/stream.js'

const START = Date.UTC(2025, 2, 3)
const DAY = 1440
const FEATURES = ['avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms'] as const

type DrawLatency = (random: Random) => number

const logNormal =
  (sigma: number): DrawLatency =>
  (random) =>
    60 * Math.exp(sigma * random.normal())
const pareto =
  (alpha: number): DrawLatency =>
  (random) =>
    40 * (1 - random.uniform()) ** (-1 / alpha)

/** A minute of a gateway with every request drawn. */
function drawMinute(random: Random, requests: number, latency: DrawLatency): Interval {
  const n = Math.max(1, Math.round(requests + Math.sqrt(requests) * random.normal()))
  const all = Float64Array.from({ length: n }, () => latency(random)).sort()
  return {
    requests_per_second: n / 60,
    avg_latency_ms: all.reduce((sum, each) => sum + each, 0) / n,
    p95_latency_ms: quantileSorted(all, 0.95),
    p99_latency_ms: quantileSorted(all, 0.99),
    error_rate: 0,
    seconds: 60,
    requests: n,
  }
}

/** Two days of history, and what follows from it. */
function fitted(random: Random, requests: number, latency: DrawLatency) {
  const rows = Array.from({ length: 2 * DAY }, () => drawMinute(random, requests, latency))
  const samples = new Float64Array(rows.length * N_FEATURES)
  rows.forEach((each, i) =>
    samples.set(
      [each.requests_per_second, each.avg_latency_ms, each.p95_latency_ms, each.p99_latency_ms, 0],
      i * N_FEATURES,
    ),
  )
  const history = { samples, timesMs: Float64Array.from(rows, (_, i) => START + i * 60_000) }
  const options = { contamination: 0.1, anomalyThreshold: -0.5, nEstimators: 20, seed: 1 }
  const model = fitAnomalyModel(history, options)
  const engine = createKernelEngine(model.forest)
  const score = (matrix: Float64Array) => engine.score(matrix)
  return { model: calibrate(history, model, { effects: DEFAULT_EFFECTS, alarmBudget: 0.5, score }), score }
}

/** Follows minutes after the history. @returns which belong to an alarm, and which latencies left their band */
function follow({ model, score }: ReturnType<typeof fitted>, minutes: readonly Interval[]) {
  let state = beginStream(GATEWAY)
  const [above, below] = [{ count: 0 }, { count: 0 }]
  const alarmed = minutes.map((interval, i) => {
    const timed = { interval, timeMs: START + (2 * DAY + i) * 60_000 }
    const measured = measure(timed, model, DEFAULT_EFFECTS)
    // The band of fewer requests is that of so many: see expectedBand.
    for (const feature of interval.requests < DEFAULT_EFFECTS.requests ? [] : FEATURES) {
      const band = expectedBand(feature, measured, DEFAULT_EFFECTS, model.thresholds.gates)
      if (interval[feature] > band.upper) above.count++
      if (interval[feature] < band.lower) below.count++
    }
    const next = judgeNext(state, timed, model, DEFAULT_EFFECTS, score)
    state = next.state
    return next.verdict.confirmed
  })
  return { alarmed, above: above.count, below: below.count }
}

const alarmsOf = (alarmed: readonly boolean[]) => alarmed.filter((is, i) => is && !alarmed[i - 1]).length

t.test(
  'normal minutes of few requests stay in the band of each latency, and raise no alarm',
  async (t: Test) => {
    const random = createRandom(11)
    const shapes = [logNormal(0.5), logNormal(0.9), pareto(2.5), pareto(1.5)]
    let alarms = 0
    for (const [i, latency] of shapes.entries()) {
      const requests = Math.round(10 * 30 ** random.uniform())
      const gateway = fitted(random, requests, latency)
      const minutes = Array.from({ length: DAY }, () => drawMinute(random, requests, latency))
      const { alarmed, above, below } = follow(gateway, minutes)
      // The band ends at 4.5 standard deviations: of 4,320 latencies, hardly one lies beyond it.
      t.ok(above <= 3, `shape ${i}, ${requests} requests: ${above} above`)
      t.ok(below <= 3, `shape ${i}, ${requests} requests: ${below} below`)
      alarms += alarmsOf(alarmed)
    }
    // Four days at half an alarm a week.
    t.ok(alarms <= 1, `${alarms} alarms in four days`)
  },
)

t.test('a p99 that doubles for ten minutes is found at 100 requests a minute', async (t) => {
  const random = createRandom(3)
  const latency = logNormal(0.5)
  // The slowest 4 %, so that nearly every minute has two of them.
  const line = 60 * Math.exp(0.5 * 1.75)
  const slow: DrawLatency = (each) => {
    const usual = latency(each)
    return usual > line ? 2 * usual : usual
  }
  const gateway = fitted(random, 100, latency)
  const found = Array.from({ length: 5 }, () => {
    const calm = Array.from({ length: 60 }, () => drawMinute(random, 100, latency))
    const tail = Array.from({ length: 10 }, () => drawMinute(random, 100, slow))
    const { alarmed } = follow(gateway, [...calm, ...tail])
    t.notOk(alarmed.slice(0, 60).includes(true), 'nothing before')
    return alarmed.includes(true)
  })
  t.ok(found.filter(Boolean).length >= 4, `${found.filter(Boolean).length} of 5 are found`)
})

t.test('five times the traffic is no slower because its p99 rests on more requests', async (t) => {
  const random = createRandom(5)
  const gateway = fitted(random, 30, pareto(2))
  const busy = Array.from({ length: 30 }, () => drawMinute(random, 150, pareto(2)))
  const z = busy.map(
    (interval, i) =>
      measure({ interval, timeMs: START + (2 * DAY + i) * 60_000 }, gateway.model, DEFAULT_EFFECTS).deviation
        .p99_latency_ms.z,
  )
  const mean = z.reduce((sum, each) => sum + each / z.length, 0)
  t.ok(Math.abs(mean) < 0.8, `mean score ${mean.toFixed(2)}`)
})
