import t from 'tap'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { CERTAIN_GATE, GATE, gatesOf, JOINT_GATE } from '../../../models/anomaly/gates.js'
import { measure, type TimedInterval } from '../../../models/anomaly/measure.js'
import { knowsTheDay } from '../../../models/anomaly/model.js'
import { anomalyModelFromState, anomalyModelToState } from '../../../models/anomaly/state.js'
import { fitted, HISTORY_MS, judgeAlone, minutes, type Condition } from '../stream/gateway.js'

/** A shop under a steady load, in rows of five minutes. */
const SHOP = { night: 130, noon: 150, seed: 4 }
const SECONDS = 300
const TWO_DAYS = 576
const shop = fitted(minutes(SHOP, { startMs: HISTORY_MS, count: TWO_DAYS, seconds: SECONDS }))
const after = (count: number, conditionAt?: (row: number) => Condition, seed = 5) =>
  minutes(
    { ...SHOP, seed },
    { startMs: HISTORY_MS + TWO_DAYS * SECONDS * 1000, count, seconds: SECONDS },
    conditionAt,
  )

const shareOf = (rows: readonly TimedInterval[], isCounted: (row: number) => boolean = () => true) => {
  const found = judgeAlone(shop, rows).filter((_, row) => isCounted(row))
  return found.filter(({ anomaly }) => anomaly).length / found.length
}

t.test('two days of rows of five minutes teach a model whose interval their times show', async (t) => {
  t.equal(shop.model.intervalSeconds, SECONDS)
  t.ok(Math.abs(shop.model.days - 2) < 0.05)
  t.ok(knowsTheDay(shop.model))
})

t.test('each row of five minutes is judged alone: faults are found, usual rows are not', async (t) => {
  const every = (condition: Condition) => (row: number) => (row % 10 === 9 ? condition : {})
  const isFault = (row: number) => row % 10 === 9
  t.ok(shareOf(after(TWO_DAYS)) <= 0.005)
  for (const condition of [{ latency: 2 }, { latency: 1.4 }, { errors: 0.04 }, { traffic: 0.6 }]) {
    const share = shareOf(after(200, every(condition)), isFault)
    t.ok(share >= 0.95, `${share} of the rows with ${JSON.stringify(condition)}`)
  }
  t.equal(shareOf(after(200, every({ latency: 1.05 })), isFault), 0, 'too small to matter')
})

t.test('a model keeps its interval and its days; one without them is of minutes', async (t) => {
  const state = JSON.parse(JSON.stringify(anomalyModelToState(shop.model))) as Record<string, unknown>
  const { intervalSeconds, days } = anomalyModelFromState(state)
  t.same({ intervalSeconds, days }, { intervalSeconds: SECONDS, days: shop.model.days })
  const older = { ...state, intervalSeconds: undefined, days: undefined, nSamples: 20_160 }
  t.match(anomalyModelFromState(JSON.parse(JSON.stringify(older))), { intervalSeconds: 60, days: 14 })
  t.throws(() => anomalyModelFromState({ ...state, intervalSeconds: 0 }), /intervalSeconds/)
})

t.test('the gates of a minute hold for shorter rows, and fall slowly for longer ones', async (t) => {
  for (const seconds of [1, 10, 60])
    t.same(gatesOf(seconds), { gate: GATE, joint: JOINT_GATE, certain: CERTAIN_GATE })
  let before = gatesOf(60)
  for (const seconds of [120, 300, 900, 3600, 86_400]) {
    const gates = gatesOf(seconds)
    for (const gate of ['gate', 'joint', 'certain'] as const) {
      t.ok(gates[gate].effect >= 1 && gates[gate].effect <= before[gate].effect)
      t.ok(gates[gate].z > 1.5 && gates[gate].z < before[gate].z)
    }
    before = gates
  }
})

t.test('longer rows than those of the model scatter less, shorter ones more', async (t) => {
  const sigmaOf = (seconds: number) => {
    const [{ interval, timeMs } = after(1)[0]!] = after(1)
    const requests = interval.requests_per_second * seconds
    const { deviation } = measure(
      { interval: { ...interval, seconds, requests }, timeMs },
      shop.model,
      DEFAULT_EFFECTS,
    )
    return deviation.requests_per_second.sigmaUp
  }
  t.ok(sigmaOf(60) > sigmaOf(300))
  t.ok(sigmaOf(300) > sigmaOf(3600))
})
