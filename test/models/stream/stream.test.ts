import t from 'tap'
import { beginStream, GATEWAY, type StreamState } from '../../../models/stream/stream-state.js'
import {
  BUSY,
  DAY,
  firstAlarm,
  fitted,
  HISTORY_MS,
  judgeAll,
  judgeAlone,
  minutes,
  TWO_WEEKS,
  type Condition,
  type Gateway,
} from './gateway.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import { START_MS, HOUR, TENTH, IDLE, busy, idle, reports, between, from } from './weeks.js'

t.test('three usual days raise no alarm', async (t) => {
  const { verdicts } = judgeAll(busy, reports(3 * DAY))
  t.equal(firstAlarm(verdicts), -1)
  t.ok(verdicts.filter(({ anomaly }) => anomaly).length <= 1)
})

const large: [string, Condition, string][] = [
  ['four times the traffic', { traffic: 4 }, 'traffic_spike'],
  ['a tenth of the traffic', { traffic: 0.1 }, 'traffic_drop'],
  ['four times the latency', { latency: 4 }, 'latency_spike'],
  ['a third of errors', { errors: 0.33 }, 'error_rate_spike'],
  ['four times the traffic, and the latency', { traffic: 4, latency: 4 }, 'multi_dimensional'],
]

for (const [name, condition, type] of large) {
  t.test(`a large deviation is confirmed at once: ${name}`, async (t) => {
    const { verdicts } = judgeAll(busy, reports(90, between(60, 61, condition)))
    t.match(verdicts[60], { anomaly: true, confirmed: true, type, streak: 1 })
    t.equal(verdicts[60]!.episodeSinceMs, START_MS + 7 * HOUR * MINUTE_MS)
    t.equal(firstAlarm(verdicts), 60)
  })
}

t.test('a single odd minute is no alarm, and looks like none', async (t) => {
  for (const condition of [{ traffic: 1.6 }, { latency: 1.6 }, { traffic: 0.6 }]) {
    const { verdicts } = judgeAll(busy, reports(120, between(60, 61, condition)))
    t.equal(firstAlarm(verdicts), -1, JSON.stringify(condition))
    t.ok(verdicts[60]!.normalizedScore < 0.7)
  }
})

t.test('a second anomalous minute confirms the first', async (t) => {
  for (const condition of [{ traffic: 1.8 }, { latency: 1.8 }]) {
    const { verdicts } = judgeAll(busy, reports(70, between(60, 62, condition)))
    t.match(verdicts[60], { anomaly: true, confirmed: false, streak: 1 }, JSON.stringify(condition))
    t.match(verdicts[61], { anomaly: true, confirmed: true, streak: 2 })
  }
})

const small: [string, Condition, string][] = [
  ['30 % slower', { latency: 1.3 }, 'latency_spike'],
  ['40 % more traffic', { traffic: 1.4 }, 'traffic_spike'],
  ['30 % less traffic', { traffic: 0.7 }, 'traffic_drop'],
  ['3 points of errors', { errors: 0.03 }, 'error_rate_spike'],
]

/** Of ten sources, how many minutes each takes to find it; Infinity where it is not found in two hours. */
function minutesToFind(condition: Condition, gateway: Gateway, source: string, type: string): number[] {
  const begins = 5 * HOUR
  return Array.from({ length: 10 }, (_, i) => {
    const all = reports(7 * HOUR, from(begins, condition), { gateway: { ...gateway, seed: 20 + i } })
    const { verdicts } = judgeAll(busy, all, beginStream(source))
    const found = firstAlarm(verdicts, begins)
    return verdicts[found]?.type === type ? found - begins : Infinity
  }).sort((a, b) => a - b)
}

for (const [name, condition, type] of small) {
  t.test(`a small deviation that lasts is found within half an hour: ${name}`, async (t) => {
    const found = minutesToFind(condition, BUSY, GATEWAY, type)
    t.ok(
      found.every((delay) => delay < 30),
      `after ${found.join(', ')} minutes`,
    )
  })
}

t.test('an alarm ends after quiet minutes, and another one is another', async (t) => {
  const { verdicts, state } = judgeAll(
    busy,
    reports(180, (minute) =>
      minute >= 60 && minute < 70 ? { latency: 3 } : minute === 120 ? { traffic: 5 } : {},
    ),
  )
  t.ok(verdicts.slice(60, 70).every(({ confirmed }) => confirmed))
  t.notOk(
    verdicts.slice(70, 120).some(({ confirmed }) => confirmed),
    'quiet minutes are no alarm',
  )
  t.equal(verdicts[72]!.episodeSinceMs, verdicts[60]!.episodeSinceMs, 'though it may go on for some')
  t.equal(verdicts[80]!.episodeSinceMs, null)
  t.equal(verdicts[120]!.episodeSinceMs, START_MS + 8 * HOUR * MINUTE_MS)
  t.equal(state.episode, null)
})

t.test('an alarm that flickers is one', async (t) => {
  const { verdicts } = judgeAll(
    busy,
    reports(120, (minute) => (minute >= 60 && minute < 100 && minute % 3 > 0 ? { latency: 3 } : {})),
  )
  const episodes = new Set(verdicts.flatMap(({ episodeSinceMs }) => episodeSinceMs ?? []))
  t.equal(episodes.size, 1)
})

t.test("a deployment's twelve percent is no alarm, and is followed", async (t) => {
  const { verdicts } = judgeAll(busy, reports(12 * HOUR, from(60, { latency: 1.12 })))
  t.equal(firstAlarm(verdicts), -1)
  const moved = verdicts.at(-1)!.expected.avg_latency_ms.value / verdicts[59]!.expected.avg_latency_ms.value
  t.ok(moved > 1.08 && moved < 1.16, `the expected latency has moved by ${moved.toFixed(3)}`)
})

t.test('a lasting change of a half is an alarm, and normal after about four hours', async (t) => {
  for (const condition of [{ latency: 1.5 }, { traffic: 1.5 }]) {
    const name = JSON.stringify(condition)
    const { verdicts } = judgeAll(busy, reports(14 * HOUR, from(60, condition)))
    const alarmed = (start: number, end: number) =>
      verdicts.slice(start, end).filter(({ confirmed }) => confirmed).length
    t.ok(alarmed(60, 60 + 150) > 140, `${name}: ${alarmed(60, 210)} minutes of the first 150`)
    t.equal(alarmed(60 + 270, 14 * HOUR), 0, `${name}: after four and a half hours`)
  }
})

t.test('an incident teaches nothing: after it everything is as before', async (t) => {
  const { verdicts } = judgeAll(busy, reports(6 * HOUR, between(60, 150, { latency: 2 })))
  const ratio = verdicts[160]!.expected.avg_latency_ms.value / verdicts[59]!.expected.avg_latency_ms.value
  t.ok(Math.abs(ratio - 1) < 0.02, `${ratio}`)
  t.notOk(verdicts.slice(151).some(({ confirmed }) => confirmed))
})

t.test('silence never becomes normal', async (t) => {
  const { verdicts } = judgeAll(busy, reports(26 * HOUR, from(60, { traffic: 0 })))
  t.match(verdicts[60], { confirmed: true, type: 'traffic_drop' })
  t.ok(verdicts.slice(60).every(({ confirmed, type }) => confirmed && type === 'traffic_drop'))
  t.equal(verdicts.at(-1)!.severity, 'critical')
})

t.test('growth of a half over a day is no alarm', async (t) => {
  const { verdicts } = judgeAll(
    busy,
    reports(2 * DAY, (minute) => ({ traffic: 1 + 0.5 * Math.min(1, minute / DAY) })),
  )
  t.equal(firstAlarm(verdicts), -1)
})

t.test('a tenth of the traffic is judged as well as the whole, after its first ten reports', async (t) => {
  const tenth = (conditionAt: (minute: number) => Condition, count = 120) =>
    judgeAll(busy, reports(count, conditionAt, { gateway: TENTH }), beginStream('one-of-ten')).verdicts
  t.equal(firstAlarm(tenth(() => ({}), DAY)), -1, 'by itself it is no alarm')
  for (const [name, condition, type] of large) {
    const verdicts = tenth(between(10, 11, condition))
    t.match(verdicts[10], { confirmed: true, type }, `${name}, in the eleventh minute`)
  }
  for (const [name, condition, type] of small) {
    const found = minutesToFind(condition, TENTH, 'one-of-ten', type)
    t.ok(found.filter((delay) => delay < 40).length >= 9, `${name}: after ${found.join(', ')} minutes`)
  }
})

t.test('a lasting alarm tells what is usual, and since when it lasts', async (t) => {
  const { verdicts } = judgeAll(busy, reports(HOUR + 12, from(HOUR, { latency: 1.35 })))
  const { explanation, confirmed } = verdicts[HOUR + 11]!
  t.ok(confirmed)
  t.match(explanation, /latency \d+(\.\d)? ms, usually 4\d/)
  t.match(explanation, /In alarm for \d+ minutes\.$/)
  const both = judgeAll(busy, reports(HOUR + 2, from(HOUR, { latency: 6, errors: 0.3 }))).verdicts[HOUR + 1]!
  t.match(both.explanation, /latency/)
  t.match(both.explanation, /rror rate/)
})

t.test('errors that are over end their alarm within minutes, with two requests a minute too', async (t) => {
  for (let seed = 11; seed <= 15; seed++) {
    const all = reports(2 * HOUR, between(HOUR, HOUR + 20, { errors: 0.99 }), { gateway: { ...IDLE, seed } })
    const { verdicts } = judgeAll(idle, all)
    t.ok(verdicts[HOUR + 19]!.confirmed)
    t.equal(firstAlarm(verdicts, HOUR + 30), -1)
  }
})

t.test('a source that falls silent is an alarm at once', async (t) => {
  const { verdicts } = judgeAll(
    busy,
    reports(90, from(60, { traffic: 0 }), { gateway: TENTH }),
    beginStream('one-of-ten'),
  )
  t.match(verdicts[60], { confirmed: true, type: 'traffic_drop' })
  t.equal(firstAlarm(verdicts), 60)
})

t.test('at two requests a minute one error is no incident, and twenty in a row are', async (t) => {
  const [usual] = minutes(IDLE, { startMs: START_MS, count: 1 })
  const minute = (index: number, failed: number) => ({
    timeMs: START_MS + index * MINUTE_MS,
    interval: { ...usual!.interval, requests_per_second: 2 / 60, requests: 2, error_rate: failed / 2 },
  })
  const one = judgeAll(
    idle,
    Array.from({ length: 120 }, (_, i) => minute(i, i === 60 ? 1 : 0)),
  )
  t.equal(firstAlarm(one.verdicts), -1)
  t.notOk(one.verdicts.some(({ anomaly }) => anomaly))
  const twenty = judgeAll(
    idle,
    Array.from({ length: 90 }, (_, i) => minute(i, i >= 60 && i < 70 ? 2 : 0)),
  )
  const found = firstAlarm(twenty.verdicts)
  t.ok(found >= 60 && found < 70, `after ${2 * (found - 59)} of them`)
  t.equal(twenty.verdicts[found]?.type, 'error_rate_spike')
})

t.test('errors of few requests are judged by the chance of their number', async (t) => {
  for (const requests of [15, 30, 60]) {
    const detector = fitted(
      minutes({ night: requests, noon: requests, seed: 8 }, { startMs: HISTORY_MS, count: TWO_WEEKS }),
    )
    const [usual] = minutes({ night: requests, noon: requests, seed: 9 }, { startMs: START_MS, count: 1 })
    const judged = (failed: number) => {
      const interval = { ...usual!.interval, requests, requests_per_second: requests / 60 }
      return judgeAlone(detector, [
        { timeMs: START_MS, interval: { ...interval, error_rate: failed / requests } },
      ])[0]!
    }
    // One in a hundred fails: more of them than these come once in some years of minutes.
    const [few, many] = [Math.ceil(requests / 60) + 2, Math.ceil(requests / 30) + 7]
    t.notOk(judged(few).anomaly, `${few} of ${requests}`)
    t.match(judged(many), { anomaly: true, type: 'error_rate_spike' }, `${many} of ${requests}`)
  }
})

t.test('two requests a minute raise no alarm in two weeks of chance', async (t) => {
  for (const seed of [6, 7]) {
    const { verdicts } = judgeAll(idle, reports(7 * DAY, undefined, { gateway: { ...IDLE, seed } }))
    t.equal(firstAlarm(verdicts), -1)
  }
})

t.test('three hours of history find a tenfold spike, and the evening is none', async (t) => {
  const cold = fitted(minutes({ ...BUSY, night: 1000, noon: 1000 }, { startMs: START_MS, count: 3 * HOUR }))
  const flat = { gateway: { night: 1000, noon: 1000, seed: 4 }, startMs: START_MS + 3 * HOUR * MINUTE_MS }
  const evening = reports(
    12 * HOUR,
    (minute) => ({ traffic: 1 + 0.8 * Math.min(1, minute / (6 * HOUR)) }),
    flat,
  )
  t.equal(firstAlarm(judgeAll(cold, evening).verdicts), -1, 'as a stream')
  t.notOk(
    judgeAlone(cold, evening).some(({ anomaly }) => anomaly),
    'minute by minute',
  )
  const spike = reports(90, between(60, 62, { traffic: 10 }), flat)
  t.match(judgeAll(cold, spike).verdicts[60], { confirmed: true, type: 'traffic_spike' })
  t.match(judgeAlone(cold, spike)[60], { anomaly: true, type: 'traffic_spike' })
  t.ok(
    judgeAlone(cold, spike)[60]!.confidence <
      judgeAlone(busy, reports(61, from(60, { traffic: 10 })))[60]!.confidence,
  )
})

t.test('what was seen before a long gap counts no more', async (t) => {
  const odd = (minute: number): Condition => (minute === 60 || minute === 80 ? { traffic: 1.8 } : {})
  const all = reports(90, odd)
  const gap = judgeAll(busy, [...all.slice(0, 61), ...all.slice(80)]).verdicts
  t.match(gap[60], { anomaly: true, confirmed: false, streak: 1 })
  t.match(gap[61], { anomaly: true, confirmed: false, streak: 1 }, 'twenty minutes later')
  const soon = reports(90, (minute) => (minute === 60 || minute === 65 ? { traffic: 1.8 } : {}))
  const short = judgeAll(busy, [...soon.slice(0, 61), ...soon.slice(65)]).verdicts
  t.match(short[61], { anomaly: true, confirmed: true, streak: 2 }, 'five minutes later')
})

t.test('an alarm does not outlive a long gap', async (t) => {
  const all = reports(4 * HOUR, between(60, 70, { latency: 3 }))
  const { verdicts } = judgeAll(busy, [...all.slice(0, 66), ...all.slice(200)])
  t.equal(verdicts[65]!.confirmed, true)
  t.match(verdicts[66], { anomaly: false, confirmed: false, episodeSinceMs: null })
})

t.test('hours of missing reports raise no alarm', async (t) => {
  const all = reports(3 * DAY)
  const { verdicts } = judgeAll(
    busy,
    all.filter((_, i) => i % 400 < 200 || i % 7 === 0),
  )
  t.equal(firstAlarm(verdicts), -1)
})

t.test('the state is plain JSON: a restart at any minute changes no later verdict', async (t) => {
  const all = reports(160, (minute) => (minute >= 60 && minute < 90 ? { latency: 1.5 } : {}), {
    gateway: TENTH,
  })
  const whole = judgeAll(busy, all, beginStream('one-of-ten')).verdicts
  for (const cut of [1, 5, 10, 61, 62, 75, 92, 130]) {
    const { state } = judgeAll(busy, all.slice(0, cut), beginStream('one-of-ten'))
    const restored = JSON.parse(JSON.stringify(state)) as StreamState
    t.same(restored, state, `after ${cut} minutes`)
    t.same(judgeAll(busy, all.slice(cut), restored).verdicts, whole.slice(cut))
  }
})

t.test('the same reports have the same verdicts', async (t) => {
  const all = reports(120, between(60, 80, { traffic: 1.4 }))
  t.same(judgeAll(busy, all), judgeAll(busy, all))
})
