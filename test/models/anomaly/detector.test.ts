import t from 'tap'
import { judgeIntervals } from '../../../models/anomaly/detector.js'
import { deviationOf, NO_LEVEL } from '../../../models/anomaly/deviation.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { expectedAt } from '../../../models/anomaly/expectation.js'
import { FEATURES, mapFeatures, N_FEATURES, type Interval } from '../../../models/anomaly/features.js'
import { FOREST_COLUMNS, writeForestRow } from '../../../models/anomaly/forest-row.js'
import { fitAnomalyModel, type AnomalyModel } from '../../../models/anomaly/model.js'
import type { History } from '../../../models/anomaly/regular-history.js'
import { anomalyModelFromState, anomalyModelToState } from '../../../models/anomaly/state.js'
import { fromScale } from '../../../models/anomaly/scales.js'
import { channelsOf, strengthsOf } from '../../../models/anomaly/strengths.js'
import type { Verdict } from '../../../models/anomaly/verdict.js'
import { anomalyScores } from '../../../models/index.js'
import { localTimeOf } from '../../../models/seasonality/local-time.js'
import { quantile } from '../../../models/statistics/quantile.js'
import { generateTraffic } from '../../../models/synthetic/traffic.js'

const OPTIONS = { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 }
const START = Date.parse('2026-11-16T00:00:00Z')

type Minute = Record<(typeof FEATURES)[number], number>

const USUAL: Minute = {
  requests_per_second: 50,
  avg_latency_ms: 45,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  error_rate: 0.01,
}

/** A Tuesday of the week after, when the traffic is about the base's. */
const USUAL_TIME = START + (7 + 1) * 86_400_000 + 9 * 3_600_000

const matrix = (rows: Iterable<Minute>): History => {
  const minutes = [...rows]
  return {
    samples: Float64Array.from(minutes.flatMap((row) => FEATURES.map((name) => row[name]))),
    timesMs: Float64Array.from(minutes, (_, index) => START + index * 60_000),
  }
}
const week = (anomalyRate: number, seed = 42) =>
  generateTraffic({ minutes: 10_080, baseRps: 50, anomalyRate, seed, startMs: START })

function ask(
  model: AnomalyModel,
  minute: Minute,
  timeMs = USUAL_TIME,
  more: Partial<Interval> = {},
): Verdict {
  const interval = { ...minute, seconds: 60, requests: minute.requests_per_second * 60, ...more }
  const score = (rows: Float64Array) => anomalyScores(model.forest, rows)
  return judgeIntervals([{ interval, timeMs }], model, DEFAULT_EFFECTS, score)[0]!
}

const synthetic = fitAnomalyModel(matrix(week(0.05)), OPTIONS)
const histories: Record<string, AnomalyModel> = {
  'a week with incidents': synthetic,
  'a week without': fitAnomalyModel(matrix(week(0)), OPTIONS),
  'an hour that never changes': fitAnomalyModel(matrix(Array(60).fill(USUAL)), OPTIONS),
  'ten minutes alike': fitAnomalyModel(matrix(Array(10).fill(USUAL)), OPTIONS),
}

for (const [name, model] of Object.entries(histories)) {
  t.test(`after ${name}, faults have their type and the usual passes`, async (t) => {
    t.equal(ask(model, USUAL).anomaly, false)
    const faults: [Partial<Minute>, string][] = [
      [{ requests_per_second: 500 }, 'traffic_spike'],
      [{ requests_per_second: 2 }, 'traffic_drop'],
      [
        { requests_per_second: 0, avg_latency_ms: 0, p95_latency_ms: 0, p99_latency_ms: 0, error_rate: 0 },
        'traffic_drop',
      ],
      [{ avg_latency_ms: 360, p95_latency_ms: 720, p99_latency_ms: 1000 }, 'latency_spike'],
      [{ p99_latency_ms: 2000 }, 'latency_spike'],
      [{ error_rate: 0.4 }, 'error_rate_spike'],
      [
        {
          requests_per_second: 500,
          error_rate: 0.5,
          avg_latency_ms: 200,
          p95_latency_ms: 400,
          p99_latency_ms: 600,
        },
        'multi_dimensional',
      ],
    ]
    for (const [fault, type] of faults) {
      const verdict = ask(model, { ...USUAL, ...fault })
      t.equal(verdict.type, type, JSON.stringify(fault))
      t.ok(verdict.normalizedScore > 0.7 && verdict.score < 0, `${type} ${verdict.normalizedScore}`)
    }
  })
}

t.test('a verdict is consistent in itself, whatever is asked', async (t) => {
  for (const minute of week(0.3, 7)) {
    const verdict = ask(synthetic, minute, minute.timestampMs)
    const problems = [
      verdict.anomaly !== verdict.normalizedScore >= 0.5,
      verdict.anomaly && verdict.score >= 0,
      verdict.anomaly !== (verdict.type !== null),
      verdict.anomaly !== (verdict.severity !== null),
      !(verdict.normalizedScore >= 0 && verdict.normalizedScore <= 1),
      !(verdict.confidence >= 0 && verdict.confidence <= 1),
      Math.abs(FEATURES.reduce((sum, name) => sum + verdict.contributions[name], 0) - 1) > 1e-9,
      FEATURES.some((name) => !(verdict.contributions[name] >= 0)),
      FEATURES.some((name) => verdict.expected[name].lower > verdict.expected[name].value),
      FEATURES.some((name) => verdict.expected[name].upper < verdict.expected[name].value),
    ]
    if (problems.includes(true)) t.fail(JSON.stringify({ minute, verdict, problems }))
  }
  t.pass('10,080 verdicts')
})

t.test('the strength grows with the deviation', async (t) => {
  let before = 0
  for (const factor of [1, 1.5, 2, 3, 4, 5, 7, 10, 20]) {
    const { normalizedScore } = ask(synthetic, { ...USUAL, requests_per_second: 50 * factor })
    t.ok(normalizedScore >= before, `${factor} times: ${normalizedScore}`)
    before = normalizedScore
  }
  t.ok(before > 0.9)
})

t.test('the largest numbers are judged too', async (t) => {
  for (const requests_per_second of [1e9, 1e15, 1e300, Number.MAX_VALUE]) {
    const verdict = ask(synthetic, { ...USUAL, requests_per_second })
    t.equal(verdict.type, 'traffic_spike', `${requests_per_second}`)
    t.ok(FEATURES.every((name) => Number.isFinite(verdict.contributions[name])))
  }
  const all = mapFeatures((feature) => (feature === 'error_rate' ? 1 : Number.MAX_VALUE))
  t.ok(ask(synthetic, all).anomaly)
})

t.test('good news is no anomaly', async (t) => {
  const fast = { ...USUAL, avg_latency_ms: 1, p95_latency_ms: 2, p99_latency_ms: 3, error_rate: 0 }
  t.equal(ask(synthetic, fast).anomaly, false)
})

t.test('equal contributions where nothing deviates, all of it where one thing does', async (t) => {
  const moment = localTimeOf('UTC')(USUAL_TIME)
  const minute = mapFeatures((feature) =>
    fromScale(feature, expectedAt(synthetic.expectations[feature], moment)),
  )
  t.same(
    ask(synthetic, minute).contributions,
    mapFeatures(() => 1 / N_FEATURES),
  )
  t.ok(ask(synthetic, { ...minute, requests_per_second: 500 }).contributions.requests_per_second > 0.9)
})

t.test('a few requests are no evidence', async (t) => {
  const idle = Array.from({ length: 100 }, () => ({ ...USUAL, requests_per_second: 0.1, error_rate: 0 }))
  const model = fitAnomalyModel(matrix(idle), OPTIONS)
  t.equal(
    ask(model, { ...USUAL, requests_per_second: 0.2 }).anomaly,
    false,
    '12 instead of 6 requests a minute',
  )
  t.equal(
    ask(model, { ...USUAL, requests_per_second: 0.1, error_rate: 1 / 6 }).anomaly,
    false,
    'one failure of six',
  )
  t.equal(ask(model, { ...USUAL, requests_per_second: 1 }).type, 'traffic_spike')
  const oneAMinute = fitAnomalyModel(
    matrix(Array(60).fill({ ...USUAL, requests_per_second: 1 / 60 })),
    OPTIONS,
  )
  t.equal(ask(oneAMinute, { ...USUAL, requests_per_second: 10 / 60 }).type, 'traffic_spike')
})

t.test('an explanation names the measured and the usual value', async (t) => {
  const { explanation } = ask(synthetic, { ...USUAL, requests_per_second: 500 })
  t.match(explanation, /^Traffic 500 requests\/s/)
  t.match(
    explanation,
    /\d+ times the usual\), expected [\d.]+–[\d.]+ requests\/s for Tuesday 09:00; \d+ % of the score\.$/,
  )
  t.equal(ask(synthetic, USUAL).explanation, 'Traffic patterns are within normal parameters.')
})

t.test('the threshold is the contamination quantile of −s, or the ceiling if that is lower', async (t) => {
  const samples = matrix(week(0.05))
  const rows = [...week(0.05)]
  for (const contamination of [0.01, 0.1, 0.5]) {
    const model = fitAnomalyModel(samples, { ...OPTIONS, contamination })
    const forestRows = new Float64Array(rows.length * FOREST_COLUMNS)
    rows.forEach((row, index) => {
      const interval = { ...row, seconds: 60, requests: row.requests_per_second * 60 }
      const moment = localTimeOf('UTC')(row.timestampMs)
      const deviation = deviationOf(interval, moment, model.expectations, NO_LEVEL)
      writeForestRow(strengthsOf(channelsOf(deviation, DEFAULT_EFFECTS, 1)), forestRows, index)
    })
    const negated = anomalyScores(model.forest, forestRows).map((score) => -score)
    t.equal(model.threshold, Math.min(quantile(negated, contamination), -0.5))
    t.equal(fitAnomalyModel(samples, { ...OPTIONS, contamination, anomalyThreshold: -0.9 }).threshold, -0.9)
  }
})

t.test('in an unseen week nearly all incidents are found, and hardly anything else', async (t) => {
  let incidents = 0
  let found = 0
  let calm = 0
  let falseAlarms = 0
  for (const minute of week(0.05, 99)) {
    const { anomaly } = ask(synthetic, minute, minute.timestampMs)
    if (minute.label) incidents++
    else calm++
    if (minute.label && anomaly) found++
    if (!minute.label && anomaly) falseAlarms++
  }
  t.ok(found / incidents > 0.95, `${found} of ${incidents}`)
  t.ok(falseAlarms / calm < 0.001, `${falseAlarms} of ${calm}`)
})

t.test('a model comes back from its state bit for bit', async (t) => {
  const copy = anomalyModelFromState(JSON.parse(JSON.stringify(anomalyModelToState(synthetic))))
  t.same(copy, synthetic)
  t.equal(JSON.stringify(anomalyModelToState(copy)), JSON.stringify(anomalyModelToState(synthetic)))
})

t.test('a damaged state is refused', async (t) => {
  const state = () => JSON.parse(JSON.stringify(anomalyModelToState(synthetic))) as Record<string, unknown>
  t.throws(() => anomalyModelFromState(null))
  for (const key of Object.keys(state()))
    t.throws(() => anomalyModelFromState({ ...state(), [key]: undefined }), key)
  const unscaled = state()
  const expectations = unscaled['expectations'] as Record<string, { noise: object }>
  expectations['error_rate']!.noise = { ...expectations['error_rate']!.noise, up: 0 }
  t.throws(() => anomalyModelFromState(unscaled), /scale/)
})

t.test('too few samples, and values that are no traffic, are refused', async (t) => {
  t.throws(() => fitAnomalyModel(matrix(Array(9).fill(USUAL)), OPTIONS), RangeError)
  for (const bad of [NaN, Infinity, -1, 1e13]) {
    t.throws(
      () => fitAnomalyModel(matrix(Array(20).fill({ ...USUAL, error_rate: bad })), OPTIONS),
      RangeError,
    )
  }
})

t.test('where nothing was ever recorded nothing is judged but errors', async (t) => {
  const model = fitAnomalyModel(matrix(Array(60).fill(mapFeatures(() => 0))), OPTIONS)
  t.equal(
    ask(
      model,
      mapFeatures(() => 0),
    ).anomaly,
    false,
  )
  t.equal(ask(model, USUAL).anomaly, false)
  t.equal(ask(model, { ...USUAL, error_rate: 0.4 }).anomaly, true)
})

t.test('of an interval of so few requests that only its traffic counts, nothing else deviates', async (t) => {
  const slow = { avg_latency_ms: 9000, p95_latency_ms: 9000, p99_latency_ms: 9000, error_rate: 1 }
  const judged = (minute: Minute) => ask(synthetic, minute, USUAL_TIME, { trafficOnly: true })
  t.match(ask(synthetic, { ...USUAL, ...slow }), { anomaly: true })
  t.match(judged({ ...USUAL, ...slow }), { anomaly: false })
  const silence = judged({ ...USUAL, ...slow, requests_per_second: 0 })
  t.match(silence, { anomaly: true, type: 'traffic_drop', contributions: { requests_per_second: 1 } })
  t.notMatch(silence.explanation, /latency|Error/)
})

t.test('of a minute without requests latencies are expected as of the usual number of them', async (t) => {
  const usual = ask(synthetic, USUAL).expected
  const silence = ask(synthetic, { ...USUAL, requests_per_second: 0 }, USUAL_TIME, {}).expected
  for (const feature of ['avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms', 'error_rate'] as const) {
    t.ok(silence[feature].upper < 1.1 * usual[feature].upper, feature)
  }
})
