import t from 'tap'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import type { TimedInterval } from '../../../models/anomaly/measure.js'
import { MAX_GAP_REPORTS } from '../../../models/stream/episode.js'
import { replay } from '../../../models/stream/replay.js'
import { GATEWAY } from '../../../models/stream/stream-state.js'
import { DAY_MS, MINUTE_MS } from '../../../models/traffic/durations.js'
import {
  BUSY,
  firstAlarm,
  fitted,
  HISTORY_MS,
  judgeAll,
  minutes,
  type Condition,
  type Detector,
} from './gateway.js'

const DAYS = 14
const END_MS = HISTORY_MS + DAYS * DAY_MS

const historyOf = (seconds: number) =>
  minutes(BUSY, { startMs: HISTORY_MS, count: (DAYS * 86_400) / seconds, seconds })
const after = (seconds: number, count: number, conditionAt?: (row: number) => Condition) =>
  minutes({ ...BUSY, seed: 2 }, { startMs: END_MS, count, seconds }, conditionAt)

for (const [name, seconds] of [
  ['an hour', 3600],
  ['a quarter of an hour', 900],
] as const) {
  const detector = fitted(historyOf(seconds))
  const day = 86_400 / seconds
  const between = (condition: Condition) => (row: number) =>
    row * seconds >= 10 * 3600 && row * seconds < 13 * 3600 ? condition : {}

  t.test(`in rows of ${name}, a drop of 60 % for three hours is found at once`, async (t) => {
    const { verdicts } = judgeAll(detector, after(seconds, day, between({ traffic: 0.4 })))
    t.equal(firstAlarm(verdicts), (10 * 3600) / seconds)
    t.match(verdicts[(11 * 3600) / seconds], { confirmed: true, type: 'traffic_drop' })
    t.notOk(verdicts.at(-1)!.confirmed)
  })

  t.test(`in rows of ${name}, a smaller change that lasts is found, and usual days are not`, async (t) => {
    const { verdicts } = judgeAll(detector, after(seconds, day, between({ latency: 1.35 })))
    t.match(verdicts[(12 * 3600) / seconds], { confirmed: true, type: 'latency_spike' })
    t.equal(firstAlarm(judgeAll(detector, after(seconds, 3 * day)).verdicts), -1)
  })

  t.test(`in rows of ${name}, a gap is counted in rows`, async (t) => {
    const anomalous = after(seconds, 40, () => ({ traffic: 1.7 }))
    const streakAfter = (gap: number) =>
      judgeAll(detector, [anomalous[0]!, anomalous[gap]!]).verdicts[1]!.streak
    t.ok(streakAfter(MAX_GAP_REPORTS) >= streakAfter(MAX_GAP_REPORTS + 1))
  })
}

const detector = fitted(minutes(BUSY, { startMs: HISTORY_MS, count: 4 * 1440 }))
const replayed = ({ model, engine }: Detector, rows: readonly TimedInterval[]) =>
  replay(
    rows.map((timed) => ({ source: GATEWAY, timed })),
    {
      ...{ modelVersion: 'v1', model, score: (matrix: Float64Array) => engine.score(matrix) },
      ...{ effects: DEFAULT_EFFECTS, calendar: [] },
    },
  ).verdicts

t.test('reports of ten seconds are judged together with those before them in the minute', async (t) => {
  const isBad = (row: number) => row >= 60 && row < 120
  const rows = minutes(
    { ...BUSY, seed: 2 },
    { startMs: HISTORY_MS + 4 * DAY_MS, count: 360, seconds: 10 },
    (row) => (isBad(row) ? { latency: 2.5 } : {}),
  )
  const verdicts = replayed(detector, rows)
  const lastOfMinutes = verdicts.filter((_, row) => row % 6 === 5)
  t.same(
    lastOfMinutes.map(({ confirmed }) => confirmed),
    lastOfMinutes.map((_, minute) => minute >= 10 && minute < 20),
  )
  t.equal(lastOfMinutes[19]!.streak, 10, 'a streak counts minutes')
})

t.test('a part that is sent again replaces itself', async (t) => {
  const [first, second] = minutes({ ...BUSY, seed: 2 }, { startMs: END_MS, count: 2, seconds: 10 })
  const broken = { ...second!, interval: { ...second!.interval, error_rate: 1 } }
  const [, , again] = replayed(detector, [first!, broken, second!])
  const [, once] = replayed(detector, [first!, second!])
  t.same(again, once)
})

t.test('rows of five minutes are judged by a model of minutes', async (t) => {
  const rows = minutes(
    { ...BUSY, seed: 2 },
    { startMs: HISTORY_MS + 4 * DAY_MS, count: 48, seconds: 300 },
    (row) => (row >= 24 ? { traffic: 0.6 } : {}),
  )
  t.equal(rows[1]!.timeMs - rows[0]!.timeMs, 5 * MINUTE_MS)
  t.equal(firstAlarm(replayed(detector, rows)), 24)
})
