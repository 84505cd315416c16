import t from 'tap'
import { poisson } from '../../../eval/detection/draws.js'
import type { Deviation } from '../../../models/anomaly/deviation.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { isLatency, mapFeatures } from '../../../models/anomaly/features.js'
import { measure } from '../../../models/anomaly/measure.js'
import { fitAnomalyModel } from '../../../models/anomaly/model.js'
import { chanceOf } from '../../../models/anomaly/noise.js'
import { channelsOf } from '../../../models/anomaly/strengths.js'
import { createRandom } from '../../../models/statistics/random.js'

const MIDNIGHT_MS = Date.UTC(2026, 0, 5)
const MINUTE_MS = 60_000

/** What no requests in a minute at midnight are, where 300 are usual: requests arrive in batches of a size. */
function silence(batch: number): { z: number; sampling: number } {
  const random = createRandom(1)
  const rates = Array.from({ length: 4 * 1440 }, (_, i) => {
    const usual = 1500 - 1200 * Math.cos((i * Math.PI) / 720)
    return (batch * poisson(random, usual / batch)) / 60
  })
  const samples = Float64Array.from(rates.flatMap((rate) => [rate, 0, 0, 0, 0]))
  const timesMs = Float64Array.from(rates, (_, i) => MIDNIGHT_MS + i * MINUTE_MS)
  const model = fitAnomalyModel({ samples, timesMs }, { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 })
  const nothing = { avg_latency_ms: 0, p95_latency_ms: 0, p99_latency_ms: 0, error_rate: 0, requests: 0 }
  const interval = { requests_per_second: 0, ...nothing, seconds: 60, trafficOnly: true }
  const { deviation } = measure({ interval, timeMs: timesMs.at(-1)! + MINUTE_MS }, model, DEFAULT_EFFECTS)
  return {
    z: deviation.requests_per_second.z,
    sampling: model.expectations.requests_per_second.noise.sampling,
  }
}

t.test('a minute without requests is less certain where requests arrive in batches', async (t) => {
  const [single, batches] = [silence(1), silence(75)]
  t.ok(single.z < -8, `z ${single.z} of a Poisson count of 300`)
  t.ok(batches.sampling > 20, `batches of 75 scatter ${batches.sampling} times as much`)
  t.ok(batches.z > -4.5, `z ${batches.z} of four batches that did not come`)
})

t.test(
  'evidence of less traffic is weighed by the lower tail, and of more traffic by the upper one',
  async (t) => {
    const deviationOf = (longRun: number, longRunDown: number, count: number): Deviation =>
      mapFeatures((feature) => ({
        chance: isLatency(feature) ? chanceOf({ sampling: 0 }, 0.01, 0.001, 1) : null,
        ...{ z: 0, effect: 0, residual: Math.log(count / 1000), expected: Math.log(1000), sampled: 0 },
        ...{ sigmaUp: 0.05, sigmaDown: 0.05, longRun, longRunDown, count, requests: 1000, perRow: 1000 },
      }))
    const ratios = (longRun: number, longRunDown: number, count: number) => {
      const { traffic_spike, traffic_drop } = channelsOf(
        deviationOf(longRun, longRunDown, count),
        DEFAULT_EFFECTS,
        1,
      )
      return { more: traffic_spike.small, less: traffic_drop.small }
    }
    const [even, low] = [0.15, 0.3]
    t.ok(
      ratios(even, low, 750).less < ratios(even, even, 750).less / 2,
      'a long lower tail makes less traffic less telling',
    )
    t.equal(
      ratios(even, low, 1300).more,
      ratios(even, even, 1300).more,
      'and more traffic as telling as before',
    )
  },
)
