import t from 'tap'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { mapFeatures, type PerFeature } from '../../../models/anomaly/features.js'
import { measure } from '../../../models/anomaly/measure.js'
import { NO_LEVEL, NO_SPREAD } from '../../../models/anomaly/deviation.js'
import { BUSY, fitted, HISTORY_MS, minutes, TWO_WEEKS } from '../stream/gateway.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'

const { model } = fitted(minutes(BUSY, { startMs: HISTORY_MS, count: TWO_WEEKS }))
const NOON_MS = HISTORY_MS + (TWO_WEEKS + 720) * MINUTE_MS
const [usual] = minutes({ ...BUSY, seed: 7 }, { startMs: NOON_MS, count: 1 })

/** Usual traffic and latencies times some factors, where the baseline of the source lies at a level. */
function measured(factor: number, level: Partial<PerFeature<number>>) {
  const { interval } = usual!
  const requests = Math.round(interval.requests * factor)
  const changed = mapFeatures((feature) =>
    feature === 'error_rate' ? interval.error_rate : interval[feature] * factor,
  )
  const report = { ...interval, ...changed, requests }
  const expected = { level: { ...NO_LEVEL, ...level }, reference: NO_LEVEL, spread: NO_SPREAD }
  return measure({ interval: report, timeMs: NOON_MS }, model, DEFAULT_EFFECTS, expected)
}

t.test(
  'a value between the baseline and the model is evidence against a drop and against a rise',
  async (t) => {
    for (const level of [Math.log(2), -Math.log(2)]) {
      const { deviation, channels } = measured(Math.exp(level / 2), {
        requests_per_second: level,
        p95_latency_ms: level,
      })
      t.equal(deviation.requests_per_second.z, 0)
      t.ok(deviation.p95_latency_ms.effect <= 0)
      for (const channel of ['traffic_drop', 'traffic_spike', 'p95_latency_ms'] as const) {
        t.equal(channels[channel].large, -2, `${channel} at ${level}`)
        t.ok(channels[channel].small < -0.5, `${channel} at ${level}`)
      }
    }
  },
)

t.test('a return to the model is no evidence, and what goes beyond it is', async (t) => {
  for (const level of [Math.log(2), -Math.log(2)]) {
    const kind = level > 0 ? 'traffic_drop' : 'traffic_spike'
    const back = measured(1, { requests_per_second: level }).channels[kind]
    t.ok(back.small < 0 && back.effect < 1, `back from ${level}`)
    const beyond = measured(level > 0 ? 0.5 : 2, { requests_per_second: level }).channels[kind]
    t.ok(beyond.small > 1 && beyond.effect > 2, `beyond, from ${level}`)
  }
})

t.test('a drop counts fully while the baseline is only somewhat above the model', async (t) => {
  const usually = measured(0.68, {}).channels.traffic_drop
  const somewhatMore = measured(0.68 * Math.exp(0.15), { requests_per_second: 0.15 }).channels.traffic_drop
  t.ok(Math.abs(somewhatMore.effect - usually.effect) < 0.05)
  t.ok(usually.effect > 1.5)
})

t.test(
  'the band of a value between two levels is as wide as that of an expected value of its size',
  async (t) => {
    const widthOf = ({ deviation }: ReturnType<typeof measured>) => deviation.requests_per_second.sigmaUp
    const [usually, between] = [measured(1, {}), measured(1, { requests_per_second: -5 })]
    const above = measured(Math.exp(2.5), { requests_per_second: 5 })
    t.ok(Math.abs(widthOf(between) / widthOf(usually) - 1) < 0.05)
    t.ok(widthOf(above) <= widthOf(usually) * 1.05)
  },
)
