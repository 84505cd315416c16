import t from 'tap'
import { historyWarnings } from '../../../models/anomaly/history-warnings.js'
import { fitAnomalyModel } from '../../../models/anomaly/model.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { judgeIntervals } from '../../../models/anomaly/detector.js'
import { anomalyScores } from '../../../models/isolation-forest/anomaly-scores.js'

const history = (minutes: number, row: number[]) => Float64Array.from(Array(minutes).fill(row).flat())
const USUAL = [50, 45, 90, 135, 0]

t.test('two full weeks have nothing to be warned of', async (t) => {
  t.same(historyWarnings(history(20_160, USUAL), 20_160), [])
  t.same(historyWarnings(new Float64Array(0), 10_080), [], 'nothing at all is told of elsewhere')
})

t.test('a short history, and one with gaps, is told of', async (t) => {
  t.match(historyWarnings(history(600, USUAL), 10_080), [/^The history has 600 minutes/])
  t.match(historyWarnings(history(2000, USUAL), 10_080), [/^The history has 2000/, /^Only 2000 of the 10080/])
  t.match(historyWarnings(history(10_080, USUAL), 10_080), [/^The history has 7 days: from 14 days on/])
})

t.test(
  'columns that are 0 throughout are named, and a model of them flags nothing for what they hide',
  async (t) => {
    const samples = history(20_000, [50, 0, 0, 0, 0])
    const timesMs = Float64Array.from({ length: 20_000 }, (_, index) => index * 60_000)
    t.match(historyWarnings(samples, 20_000), [
      /^avg_latency_ms, p95_latency_ms, p99_latency_ms: 0 in every minute/,
    ])
    const model = fitAnomalyModel(
      { samples, timesMs },
      { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 },
    )
    const interval = {
      ...{
        requests_per_second: 50,
        avg_latency_ms: 45,
        p95_latency_ms: 90,
        p99_latency_ms: 135,
        error_rate: 0,
      },
      ...{ seconds: 60, requests: 3000 },
    }
    const score = (matrix: Float64Array) => anomalyScores(model.forest, matrix)
    const timed = [interval, { ...interval, requests_per_second: 900 }].map((each) => ({
      interval: each,
      timeMs: 20_000 * 60_000,
    }))
    const [usual, spike] = judgeIntervals(timed, model, DEFAULT_EFFECTS, score)
    t.equal(usual!.anomaly, false)
    t.match(spike, { anomaly: true, type: 'traffic_spike' })
  },
)
