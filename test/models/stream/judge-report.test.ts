import t from 'tap'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { judgeAlone, judgeReport, type Detector } from '../../../models/stream/judge-report.js'
import { replay } from '../../../models/stream/replay.js'
import { beginStream, GATEWAY } from '../../../models/stream/stream-state.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import { BUSY, fitted, HISTORY_MS, minutes, type Condition } from './gateway.js'

const HISTORY = 200
const START_MS = HISTORY_MS + HISTORY * MINUTE_MS
const { model, engine } = fitted(minutes(BUSY, { startMs: HISTORY_MS, count: HISTORY }))
const detector: Detector = {
  modelVersion: 'v1',
  model,
  score: (matrix) => engine.score(matrix),
  effects: DEFAULT_EFFECTS,
  calendar: [],
}
const excluded: Detector = {
  ...detector,
  calendar: [{ fromMs: START_MS, toMs: START_MS + 5 * MINUTE_MS, reason: 'the "big" move' }],
}
const reports = (conditionAt: (minute: number) => Condition, seed = 2) =>
  minutes({ ...BUSY, seed }, { startMs: START_MS, count: 20 }, conditionAt)
const flood = reports(() => ({ traffic: 10 }))

t.test(
  'a report at a time of the calendar is no anomaly, names the reason, and teaches nothing',
  async (t) => {
    const begun = beginStream(GATEWAY)
    const { verdict, state, modelZ } = judgeReport(begun, GATEWAY, flood[0]!, excluded)
    t.match(verdict, { anomaly: false, confirmed: false, type: null, severity: null, streak: 0 })
    t.ok(verdict.normalizedScore < 0.5)
    t.equal(verdict.explanation, 'Not judged: the calendar has "the \\"big\\" move" for this time.')
    t.same(state.baseline, judgeReport(begun, GATEWAY, flood[1]!, excluded).state.baseline)
    t.equal(state.timeMs, null)
    t.equal(modelZ, null)
  },
)

t.test('the end of a calendar entry is judged again', async (t) => {
  const begun = beginStream(GATEWAY)
  t.notOk(judgeReport(begun, GATEWAY, flood[4]!, excluded).verdict.anomaly)
  t.ok(judgeReport(begun, GATEWAY, flood[5]!, excluded).verdict.confirmed)
})

t.test('a report judged alone has no streak of others and belongs to no episode', async (t) => {
  const verdicts = judgeAlone(flood, detector)
  t.ok(verdicts.every(({ anomaly, streak, confirmed }) => anomaly && streak === 1 && !confirmed))
  const silenced = judgeAlone(flood, excluded).map(({ anomaly }) => anomaly)
  t.same(
    silenced,
    flood.map((_, minute) => minute >= 5),
  )
  t.same(judgeAlone([], detector), [])
})

t.test('a replay judges in order of time, whatever the order given', async (t) => {
  const alarm = reports((minute) => (minute >= 8 && minute < 12 ? { traffic: 10 } : {}))
  const other = reports(() => ({}), 3)
  const given = [
    ...alarm.map((timed) => ({ source: GATEWAY, timed })),
    ...other.map((timed) => ({ source: 'other', timed })),
  ]
  const { verdicts, episodes } = replay(given, detector)
  const backwards = replay([...given].reverse(), detector)
  t.same(backwards.verdicts.reverse(), verdicts)
  t.same(backwards.episodes, episodes)
  t.match(episodes, [
    {
      source: GATEWAY,
      fromMs: START_MS + 8 * MINUTE_MS,
      toMs: START_MS + 11 * MINUTE_MS,
      type: 'traffic_spike',
    },
  ])
  // From the second minute on, the flood counts fully.
  t.equal(episodes[0]!.severity, verdicts[9]!.severity)
})
