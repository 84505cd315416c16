import t from 'tap'
import { usualAt } from '../../../models/seasonality/fit-rhythm.js'
import { createRandom } from '../../../models/statistics/random.js'
import { expectedOfRow } from '../../../models/anomaly/deviation.js'
import { mapFeatures, type Interval } from '../../../models/anomaly/features.js'
import { KINDS, type Kind } from '../../../models/anomaly/kinds.js'
import { fromScale } from '../../../models/anomaly/scales.js'
import { NEUTRAL } from '../../../models/anomaly/thresholds.js'
import { localTimeOf } from '../../../models/seasonality/local-time.js'
import { upperBound } from '../../../models/stream/calibration/tail.js'
import { sensitivityOf } from '../../../models/stream/sensitivity.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import {
  BUSY,
  calibrated,
  DAY,
  episodes,
  fitted,
  HISTORY_MS,
  judgeAll,
  judgeAlone,
  minutes,
  type Condition,
} from './gateway.js'

const WEEK = 7 * DAY

/** The conditions of a gateway with bursts at any time: about so many a day, of so many minutes. */
function bursts(seed: number, perDay: number, burst: Condition, most = 5) {
  const random = createRandom(seed)
  const isBurst = new Set<number>()
  for (let minute = 0; minute < 3 * WEEK; minute++) {
    if (random.uniform() >= perDay / DAY) continue
    for (let k = 0, length = 2 + random.integer(most - 1); k < length; k++) isBurst.add(minute + k)
  }
  return (minute: number): Condition => (isBurst.has(minute) ? burst : {})
}

/** What a gateway reports from a minute of its history on. */
const reported = (from: number, count: number, conditionAt?: (minute: number) => Condition, seed = 1) =>
  minutes(
    { ...BUSY, seed },
    { startMs: HISTORY_MS + from * MINUTE_MS, count },
    conditionAt && ((minute) => conditionAt(from + minute)),
  )

t.test('bursts that the history is full of are no alarms, but what is larger is one', async (t) => {
  const usual = bursts(7, 10, { traffic: 3 })
  const detector = calibrated(reported(0, 10 * DAY, usual))
  const { gates, evidence } = detector.model.thresholds
  t.ok(gates.traffic_spike > 1.5 && evidence.traffic_spike.large > 1)
  t.match(
    gates,
    { traffic_drop: 1, latency_spike: 1, error_rate_spike: 1 },
    'the other kinds are as they were',
  )
  const next = judgeAll(detector, reported(10 * DAY, 2 * DAY, usual, 2))
  t.ok(episodes(next.verdicts) <= 1, `${episodes(next.verdicts)} episodes in two days`)
  const neutral = { ...detector, model: { ...detector.model, thresholds: NEUTRAL } }
  t.ok(episodes(judgeAll(neutral, reported(10 * DAY, DAY, usual, 2)).verdicts) >= 5, 'without thresholds')
  for (const [name, condition, within] of [
    ['tenfold traffic', { traffic: 10 }, 2],
    ['three times the traffic for long', { traffic: 3 }, 20],
    ['half of the traffic', { traffic: 0.4 }, 2],
    ['slow answers', { latency: 3 }, 2],
    ['errors', { errors: 0.2 }, 2],
  ] as const) {
    const { verdicts } = judgeAll(
      detector,
      reported(10 * DAY, 90, (minute) => (minute - 10 * DAY >= 60 ? condition : {}), 3),
    )
    const found = verdicts.findIndex(({ confirmed }) => confirmed)
    t.ok(found >= 60 && found < 60 + within, `${name}: found at ${found - 60}`)
  }
})

t.test('a calm history leaves the thresholds alone, as do a few incidents', async (t) => {
  const incidents = [600, 2900, 5000, 7000].map((start, i) => ({
    start,
    end: start + 4 + 9 * i,
    traffic: 2 + 2 * i,
  }))
  const incidentAt = (minute: number): Condition => {
    const incident = incidents.find(({ start, end }) => minute >= start && minute < end)
    return incident ? { traffic: incident.traffic } : {}
  }
  t.same(calibrated(reported(0, 6 * DAY, incidentAt)).model.thresholds, NEUTRAL)
})

t.test('a larger budget raises the thresholds less', async (t) => {
  const history = reported(0, 6 * DAY, bursts(11, 12, { latency: 2.5 }))
  const [few, many] = [0.5, 1000].map((budget) => calibrated(history, budget).model.thresholds)
  t.ok(few!.gates.latency_spike > many!.gates.latency_spike)
  t.same(many, NEUTRAL)
})

t.test('a history, replayed through its own model, raises no more alarms than the budget', async (t) => {
  const random = createRandom(5)
  for (let gateway = 0; gateway < 4; gateway++) {
    const size = 1.8 + 2 * random.uniform()
    const burst: Condition = [{ traffic: size }, { latency: size }, { errors: 0.05 * size }, {}][gateway]!
    const history = reported(0, 7 * DAY, bursts(20 + gateway, 3 + random.integer(10), burst, 9), gateway + 1)
    const { verdicts } = judgeAll(calibrated(history), history)
    t.ok(episodes(verdicts) <= 1, `${JSON.stringify(burst)}: ${episodes(verdicts)} in a week`)
  }
})

t.test('a job at nine from Monday to Friday is not expected on Saturday', async (t) => {
  const isWeekend = (minute: number) => Math.floor(minute / DAY) % 7 >= 5
  const jobAt = (minute: number): Condition =>
    !isWeekend(minute) && minute % DAY >= 540 && minute % DAY < 542 ? { traffic: 4 } : {}
  const detector = fitted(reported(0, 2 * WEEK, jobAt))
  const nine = (day: number, condition: Condition) =>
    judgeAll(
      detector,
      reported(2 * WEEK + day * DAY + 500, 60, (minute) => ({ ...jobAt(minute), ...condition }), 2),
    ).verdicts
  t.equal(episodes(nine(5, {})), 0, 'Saturday without it')
  t.equal(episodes(nine(0, {})), 0, 'Monday with it')
  const saturday = reported(2 * WEEK + 5 * DAY + 541, 1, () => ({ traffic: 4 }), 2)
  t.match(judgeAlone(detector, saturday), [{ anomaly: true }], 'a job on Saturday is none of its')
})

t.test('with five days of history of a growing gateway, nothing jumps at midnight', async (t) => {
  const { model } = fitted(reported(0, 5 * DAY, (minute) => ({ traffic: 1.1 ** (minute / DAY) })))
  const { usual } = model.expectations.requests_per_second
  const firstDay = usual.level.firstDay
  for (const day of [2, 3, 4, 5, 6]) {
    const [before, after] = [
      usualAt(usual, firstDay + day - 1, ((day - 1) % 7) * DAY + DAY - 1),
      usualAt(usual, firstDay + day, (day % 7) * DAY),
    ]
    t.ok(Math.abs(after - before) < 0.03, `midnight ${day}: ${(after - before).toFixed(3)}`)
  }
})

t.test('the end of a busy weekend is no incident, but half of the usual traffic is one', async (t) => {
  const detector = fitted(reported(0, 2 * WEEK))
  const from = 2 * WEEK + 4 * DAY
  const busy = (minute: number): Condition => {
    const since = (minute - 2 * WEEK - 5 * DAY) / 60
    if (since < 0 || since >= 48) return minute >= 2 * WEEK + 7 * DAY + 600 ? { traffic: 0.45 } : {}
    return { traffic: 1 + 0.7 * Math.min(1, since / 6) }
  }
  const { verdicts } = judgeAll(detector, reported(from, 3 * DAY + 660, busy, 2))
  const monday = verdicts.slice(3 * DAY)
  t.equal(monday.slice(0, 600).filter(({ confirmed }) => confirmed).length, 0)
  t.ok(monday.slice(600, 603).some(({ confirmed }) => confirmed))
})

t.test('the bound of a tail is beyond what was seen, and never far beyond', async (t) => {
  const random = createRandom(3)
  const values = Array.from({ length: 100 }, () => 1 + random.uniform())
  const bound = upperBound(values, 0.002)
  t.ok(bound >= Math.max(...values) && bound < 2.4, `uniform: ${bound}`)
  const heavy = Array.from({ length: 100 }, () => (1 - random.uniform()) ** -0.3)
  t.ok(upperBound(heavy, 0.002) > Math.max(...heavy) * 1.09)
  t.equal(upperBound([], 0.1), 0)
  t.equal(upperBound(values, 1), 0)
  t.ok(upperBound(values, 0.5) < upperBound(values, 0.01))
})

t.test('what is said to be found is found, and later with higher thresholds', async (t) => {
  const detector = fitted(reported(0, 2 * WEEK))
  const map = sensitivityOf(detector.model, DEFAULT_EFFECTS)
  t.equal(map.length, 12)
  const { fromHour, soon, lasting } = map[3]!
  t.equal(fromHour, 12)
  t.ok(soon.traffic_spike!.size > lasting.traffic_spike!.size)
  const at = 2 * WEEK + 2 * DAY + (fromHour + 1) * 60
  const spike = (minute: number): Condition =>
    minute >= at + 30 ? { traffic: 1.1 * soon.traffic_spike!.size } : {}
  const found = judgeAll(detector, reported(at, 60, spike, 2)).verdicts.findIndex(
    ({ confirmed }) => confirmed,
  )
  t.ok(found >= 30 && found <= 32, `found at ${found - 30}`)
  const evidence = { ...NEUTRAL.evidence, traffic_spike: { small: 4, large: 4 } }
  const gates = { ...NEUTRAL.gates, traffic_spike: 3 }
  const strict = { ...detector.model, thresholds: { ...NEUTRAL, gates, evidence } }
  const higher = sensitivityOf(strict, DEFAULT_EFFECTS)[3]!
  t.ok(higher.soon.traffic_spike!.size > 2 * soon.traffic_spike!.size)
  t.ok(higher.lasting.traffic_spike!.minutes > lasting.traffic_spike!.minutes)
  t.same(higher.soon.traffic_drop, soon.traffic_drop)
})

t.test('the smallest changes that are said to be found are found in a stream, and in time', async (t) => {
  const detector = fitted(reported(0, 2 * WEEK))
  const { model } = detector
  const localTime = localTimeOf(model.timeZone)
  const usualAt = (timeMs: number): Interval => {
    const expected = expectedOfRow(model, localTime(timeMs))
    const values = mapFeatures((feature) => fromScale(feature, expected[feature], 60))
    return { ...values, seconds: 60, requests: values.requests_per_second * 60 }
  }
  const changed = (usual: Interval, kind: Kind, size: number): Interval => {
    const { requests_per_second: rate, requests, error_rate } = usual
    if (kind === 'error_rate_spike') return { ...usual, error_rate: error_rate + size }
    if (kind !== 'latency_spike')
      return { ...usual, requests_per_second: rate * size, requests: requests * size }
    const { avg_latency_ms: average, p95_latency_ms: p95, p99_latency_ms: p99 } = usual
    return {
      ...usual,
      avg_latency_ms: average * size,
      p95_latency_ms: p95 * size,
      p99_latency_ms: p99 * size,
    }
  }
  for (const { days, fromHour, soon, lasting } of sensitivityOf(model, DEFAULT_EFFECTS)) {
    const day = days === 'monday_to_friday' ? 2 : 5
    const startMs = HISTORY_MS + (2 * WEEK + day * DAY + (fromHour + 2) * 60 + 23) * MINUTE_MS
    for (const kind of KINDS) {
      for (const promise of [soon[kind], lasting[kind]]) {
        if (promise === null) continue
        const rows = Array.from({ length: promise.minutes }, (_, i) => {
          const timeMs = startMs + i * MINUTE_MS
          return { timeMs, interval: changed(usualAt(timeMs), kind, promise.size) }
        })
        const { verdicts } = judgeAll(detector, rows)
        const found = verdicts.findIndex(({ confirmed }) => confirmed) + 1
        const what = `${days} ${fromHour}:00 ${kind} ${promise.size}`
        t.equal(found, promise.minutes, what)
      }
    }
  }
})

t.test('rows of a quarter of an hour have thresholds too', async (t) => {
  const seconds = 900
  const perDay = (DAY * 60) / seconds
  const random = createRandom(5)
  const slow = new Set(
    Array.from({ length: 21 * 5 }, (_, i) => Math.floor((i / 5 + random.uniform() / 5) * perDay)),
  )
  const slowAt = (row: number): Condition => (slow.has(row) || slow.has(row - 1) ? { latency: 2.5 } : {})
  const from = (row: number, seed: number, count: number, conditionAt = slowAt) =>
    minutes({ ...BUSY, seed }, { startMs: HISTORY_MS + row * seconds * 1000, count, seconds }, (i) =>
      conditionAt(row + i),
    )
  const history = from(0, 3, 14 * perDay)
  const failing = (row: number) =>
    row >= 17 * perDay && row < 17 * perDay + 4 ? { errors: 0.2 } : slowAt(row)
  const count = 7 * perDay
  const detector = calibrated(history)
  t.equal(detector.model.intervalSeconds, seconds)
  t.ok(detector.model.thresholds.gates.latency_spike > 1)
  t.equal(detector.model.thresholds.gates.error_rate_spike, 1)
  t.ok(episodes(judgeAll(fitted(history), from(14 * perDay, 4, count)).verdicts) > 20)
  t.ok(episodes(judgeAll(detector, from(14 * perDay, 4, count)).verdicts) <= 1)
  const { verdicts } = judgeAll(detector, from(14 * perDay, 4, count, failing))
  t.ok(verdicts.slice(3 * perDay, 3 * perDay + 4).some(({ confirmed }) => confirmed))
})
