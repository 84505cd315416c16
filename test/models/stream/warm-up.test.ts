import t from 'tap'
import fc from '../../properties.js'
import { FEATURES } from '../../../models/anomaly/features.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { beginStream, forModel, GATEWAY, type StreamState } from '../../../models/stream/stream-state.js'
import type { StreamVerdict } from '../../../models/stream/stream-verdict.js'
import { judgeNext } from '../../../models/stream/stream.js'
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
} from './gateway.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import { START_MS, HOUR, TENTH, busy, idle, reports, between, from } from './weeks.js'

t.test('a source that has always been slower or failed more is met within ten reports', async (t) => {
  for (const unlike of [{ latency: 2 }, { latency: 5 }, { errors: 0.05 }, { latency: 3, errors: 0.15 }]) {
    const usual = reports(HOUR, () => unlike, { gateway: TENTH })
    const { verdicts, state } = judgeAll(busy, usual, beginStream('one-of-ten'))
    t.equal(firstAlarm(verdicts, 10), -1, JSON.stringify(unlike))
    const { latency = 1, errors = 0 } = unlike
    const worse = reports(HOUR + 5, from(HOUR, { latency: 2 * latency, errors: errors + 0.1 }), {
      gateway: TENTH,
    }).slice(HOUR)
    t.ok(judgeAll(busy, worse, state).verdicts.at(-1)!.confirmed, 'by its own level')
  }
})

t.test('what a source has always been like is no drift, and what it becomes is', async (t) => {
  const driftOf = (source: string, condition: (minute: number) => Condition) => {
    let state = beginStream(source)
    const all = reports(2 * HOUR, condition, { gateway: source === GATEWAY ? { ...BUSY, seed: 2 } : TENTH })
    return all.map((report) => {
      const next = judgeNext(state, report, busy.model, DEFAULT_EFFECTS, (matrix) =>
        busy.engine.score(matrix),
      )
      state = next.state
      return next.modelZ.avg_latency_ms
    })
  }
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const slow = driftOf('one-of-ten', () => ({ latency: 2 }))
  t.ok(slow.slice(0, 10).every(Number.isNaN), 'until it has been met')
  t.ok(Math.abs(mean(slow.slice(10))) < 1, `${mean(slow.slice(10))}`)
  const slower = driftOf('one-of-ten', (minute) => ({ latency: minute < HOUR ? 2 : 3 }))
  t.ok(mean(slower.slice(HOUR)) > 3)
  t.ok(mean(driftOf(GATEWAY, () => ({ latency: 2 }))) > 3)
})

t.test('a source that has always been faster is met too', async (t) => {
  const faster = (minute: number) => ({ latency: minute < 20 ? 0.3 : 0.9 })
  const { verdicts } = judgeAll(busy, reports(30, faster, { gateway: TENTH }), beginStream('one-of-ten'))
  t.equal(firstAlarm(verdicts), 20)
  t.equal(verdicts[20]!.type, 'latency_spike')
})

t.test('a source of which a third fails from the beginning stays alarmed', async (t) => {
  const all = reports(HOUR, () => ({ errors: 0.33 }), { gateway: TENTH })
  const { verdicts } = judgeAll(busy, all, beginStream('one-of-ten'))
  t.ok(verdicts.every(({ confirmed }) => confirmed))
})

t.test('reports that tell nothing are no part of the first ten', async (t) => {
  const all = reports(HOUR, () => ({ latency: 2 }), { gateway: TENTH })
  const trafficOnly = all.map(({ interval, timeMs }, minute) => ({
    interval: { ...interval, trafficOnly: minute < 12 },
    timeMs,
  }))
  t.equal(firstAlarm(judgeAll(busy, trafficOnly, beginStream('one-of-ten')).verdicts, 22), -1)
  const idle = reports(HOUR, (minute) => (minute < 12 ? { traffic: 0 } : {}), { gateway: TENTH })
  t.equal(firstAlarm(judgeAll(busy, idle, beginStream('one-of-ten')).verdicts), -1)
})

t.test('an incident among the first reports of a source is not taken for its level', async (t) => {
  const incident = { latency: 3, errors: 0.1 }
  for (let seed = 1; seed <= 20; seed++) {
    for (const start of [4, 7]) {
      const all = reports(HOUR, between(start, 40, incident), { gateway: { ...TENTH, seed } })
      const { verdicts, state } = judgeAll(busy, all, beginStream('one-of-ten'))
      const alarmed = verdicts.slice(start, 40).filter(({ confirmed }) => confirmed)
      t.equal(alarmed.length, 40 - start, `seed ${seed}, from minute ${start} on`)
      t.ok(Math.abs(state.baseline.level.avg_latency_ms) < 0.2)
    }
  }
})

t.test('an incident beside what a source has always been like goes on being alarmed', async (t) => {
  const failing = reports(HOUR, (minute) => ({ latency: 2, errors: minute < 6 ? 0 : 0.2 }), {
    gateway: TENTH,
  })
  const { verdicts } = judgeAll(busy, failing, beginStream('one-of-ten'))
  t.ok(verdicts.slice(6).every(({ confirmed }) => confirmed))
  t.equal(verdicts[30]!.type, 'error_rate_spike')
})

t.test('a source that came up in an incident finds its way back', async (t) => {
  const condition = (minute: number) =>
    minute < 30 || (minute >= 4 * HOUR && minute < 4 * HOUR + 10) ? { latency: minute < 30 ? 3 : 2 } : {}
  const all = reports(4 * HOUR + 10, condition, { gateway: TENTH })
  const { verdicts } = judgeAll(busy, all, beginStream('one-of-ten'))
  t.ok(firstAlarm(verdicts, 30) >= 4 * HOUR)
})

t.test('another model of the same gateway changes nothing of what is usual for a source', async (t) => {
  const hours = 3
  const own = { latency: 2, errors: 0.03 }
  const condition = (minute: number) =>
    minute >= 2 * HOUR && minute < 2 * HOUR + 5 ? { latency: 8, errors: 0.03 } : own
  const all = reports(hours * HOUR, condition, { gateway: TENTH })
  const { state } = judgeAll(busy, all.slice(0, HOUR), forModel(beginStream('a'), 'a', 'v1', busy.model))
  t.equal(forModel(state, 'a', 'v1', busy.model), state)
  const grown = minutes(BUSY, { startMs: HISTORY_MS, count: 7 * DAY }, () => ({ traffic: 1.5, latency: 1.3 }))
  const another = fitted(grown)
  const moved = forModel(state, 'a', 'v2', another.model)
  const back = forModel(moved, 'a', 'v1', busy.model)
  for (const feature of FEATURES) {
    t.ok(
      Math.abs(back.baseline.level[feature] - state.baseline.level[feature]) < 1e-9,
      `there and back: ${feature}`,
    )
  }
  const [before, after] = [judgeAll(busy, all.slice(HOUR), state), judgeAll(another, all.slice(HOUR), moved)]
  const usual = (verdict: StreamVerdict | undefined) => verdict!.expected.avg_latency_ms.value
  t.ok(Math.abs(usual(before.verdicts[0]) / usual(after.verdicts[0]) - 1) < 0.03)
  t.equal(firstAlarm(after.verdicts), HOUR)
})

t.test('a model that has learned of a nightly job may come in its minute', async (t) => {
  const isJob = (timeMs: number) => timeMs % (DAY * MINUTE_MS) === 3 * HOUR * MINUTE_MS
  const job = (startMs: number, isThere: (minute: number) => boolean) => (minute: number) =>
    isThere(minute) && isJob(startMs + minute * MINUTE_MS) ? { traffic: 1.8, latency: 1.5 } : {}
  const learned = (days: number) =>
    fitted(
      minutes(
        BUSY,
        { startMs: HISTORY_MS, count: TWO_WEEKS },
        job(HISTORY_MS, (minute) => minute >= TWO_WEEKS - days * DAY),
      ),
    )
  const [before, after] = [learned(6), learned(8)]
  const startMs = START_MS + 2 * HOUR * MINUTE_MS
  const all = reports(
    3 * HOUR,
    job(startMs, () => true),
    { startMs },
  )
  const { state } = judgeAll(
    before,
    all.slice(0, HOUR + 1),
    forModel(beginStream(GATEWAY), GATEWAY, 'v1', before.model),
  )
  const { verdicts } = judgeAll(after, all.slice(HOUR + 1), forModel(state, GATEWAY, 'v2', after.model))
  t.equal(firstAlarm(verdicts), -1)
})

/** Without the last digits: a level that moves to another model is rounded. */
const rounded = (verdicts: readonly StreamVerdict[]): unknown =>
  JSON.parse(
    JSON.stringify(verdicts, (_, value: unknown) =>
      typeof value === 'number' ? Number(value.toPrecision(9)) : value,
    ),
  )

t.test('an alarm outlives a new model', async (t) => {
  const fiftieth = { night: 14, noon: 34, seed: 3 }
  for (const [gateway, condition] of [
    [{ ...BUSY, seed: 2 }, { latency: 2 }],
    [fiftieth, { errors: 0.1 }],
    [fiftieth, { traffic: 1.8 }],
  ] as const) {
    const all = reports(3 * HOUR, from(HOUR, condition), { gateway })
    const { state } = judgeAll(
      busy,
      all.slice(0, 2 * HOUR),
      forModel(beginStream('a'), 'a', 'v1', busy.model),
    )
    const rest = (state: StreamState) => judgeAll(busy, all.slice(2 * HOUR), state).verdicts
    t.ok(state.episode)
    t.same(rounded(rest(forModel(state, 'a', 'v2', busy.model))), rounded(rest(state)))
  }
})

t.test('with the model of another gateway a source begins anew', async (t) => {
  const { state } = judgeAll(busy, reports(120), forModel(beginStream('a'), 'a', 'v1', busy.model))
  const begun = { ...beginStream('a'), timeMs: state.timeMs, modelVersion: 'v2' }
  t.same(forModel(state, 'a', 'v2', idle.model), begun)
})

t.test('whatever is reported, verdicts and what is remembered stay finite', async (t) => {
  const failing = fitted(
    minutes(BUSY, { startMs: HISTORY_MS, count: 2 * DAY }).map(({ interval, timeMs }) => ({
      interval: { ...interval, error_rate: 1 },
      timeMs,
    })),
  )
  const usual = reports(3)[0]!.interval
  const odd = [
    { requests_per_second: 1e308, requests: Infinity },
    { seconds: 1e-320 },
    { seconds: 86_400 },
    { error_rate: 1 },
    { avg_latency_ms: 1e308, p95_latency_ms: 1e308, p99_latency_ms: 1e308 },
    { avg_latency_ms: 0, p95_latency_ms: 0, p99_latency_ms: 0 },
    { requests: 0, requests_per_second: 0 },
    { trafficOnly: true },
  ]
  for (const detector of [busy, idle, failing]) {
    for (const source of [GATEWAY, 'one-of-ten']) {
      const all = Array.from({ length: 40 }, (_, i) => ({
        interval: { ...usual, ...(i % 2 === 0 && odd[(i / 2) % odd.length]) },
        timeMs: START_MS + i * MINUTE_MS,
      }))
      const { verdicts, state } = judgeAll(detector, all, beginStream(source))
      const { baseline, usual: remembered } = state
      const learned = [baseline.level, baseline.spread, remembered!].flatMap((values) =>
        Object.values(values),
      )
      t.ok(learned.every(Number.isFinite))
      for (const { score, normalizedScore, confidence, expected } of verdicts) {
        const bands = Object.values(expected).flatMap(({ value, lower, upper }) => [value, lower, upper])
        t.ok([score, normalizedScore, confidence, ...bands].every(Number.isFinite))
      }
    }
  }
})

t.test('a batch is judged the same in whatever order', async (t) => {
  const all = reports(40, (minute) => (minute % 8 === 0 ? { traffic: 3, errors: 0.1 } : {}))
  const verdicts = judgeAlone(busy, all)
  t.equal(verdicts.filter(({ anomaly }) => anomaly).length, 5)
  fc.assert(
    fc.property(fc.shuffledSubarray([...all.keys()], { minLength: 1 }), (order) => {
      t.same(
        judgeAlone(
          busy,
          order.map((index) => all[index]!),
        ),
        order.map((index) => verdicts[index]!),
      )
    }),
    { numRuns: 20 },
  )
})
