import t from 'tap'
import { DEFAULT_EFFECTS } from '../../../../models/anomaly/effects.js'
import { FEATURES } from '../../../../models/anomaly/features.js'
import type { TimedInterval } from '../../../../models/anomaly/measure.js'
import type { History } from '../../../../models/anomaly/regular-history.js'
import { compareWithPast, followPast } from '../../../../models/stream/comparison/comparison.js'
import { followHistory, reportsOf } from '../../../../models/stream/comparison/follow-history.js'
import { NO_MARKS, type Marks } from '../../../../models/stream/comparison/marked-incidents.js'
import type { Detector } from '../../../../models/stream/judge-report.js'
import { replay } from '../../../../models/stream/replay.js'
import { GATEWAY } from '../../../../models/stream/stream-state.js'
import { BUSY, fitted, HISTORY_MS, minutes, type Condition } from '../gateway.js'

/** Rows of ten minutes: two weeks are fitted and replayed in a moment. */
const SECONDS = 600
const DAY_ROWS = 86_400 / SECONDS
const dayMs = (day: number) => HISTORY_MS + day * 86_400_000

const traffic = (
  days: number,
  conditionAt: (day: number) => Condition = () => ({}),
  changes: Partial<typeof BUSY> = {},
) =>
  minutes({ ...BUSY, ...changes }, { startMs: HISTORY_MS, count: days * DAY_ROWS, seconds: SECONDS }, (row) =>
    conditionAt(row / DAY_ROWS),
  )

const historyOf = (rows: readonly TimedInterval[]): History => ({
  samples: Float64Array.from(rows.flatMap(({ interval }) => FEATURES.map((name) => interval[name]))),
  timesMs: Float64Array.from(rows, ({ timeMs }) => timeMs),
})

function detector(modelVersion: string, rows: readonly TimedInterval[]): Detector {
  const { model, engine } = fitted(rows)
  const score = (matrix: Float64Array) => engine.score(matrix)
  return { modelVersion, model, score, effects: DEFAULT_EFFECTS, calendar: [] }
}

const between = (day: number, from: number, to: number) => day >= from && day < to
const calm = traffic(21)
const old = detector('old', calm.slice(0, 14 * DAY_ROWS))

/** Compares a model of the last two of three weeks with one of the first two, on the last two. */
function compared(rows: readonly TimedInterval[], marks: Marks = NO_MARKS, learned = rows) {
  const past = followPast(historyOf(rows.slice(7 * DAY_ROWS)), marks, old)
  return compareWithPast(past, detector('new', learned.slice(7 * DAY_ROWS)), 0.5)
}

t.test('a model of calm weeks has no objections, and finds what is injected', async (t) => {
  const found = compared(calm)
  t.match(found, { against: 'old', fromMs: dayMs(7), objections: [], alarms: { allowed: 1 } })
  t.equal(found.toMs, dayMs(21) - SECONDS * 1000)
  t.ok(found.probes.before > 100 && found.probes.before <= found.probes.injected)
})

t.test('the history is followed as replay follows it', async (t) => {
  const rows = traffic(21, (day) => (between(day, 16.5, 16.6) ? { latency: 4 } : {}))
  const reports = reportsOf(historyOf(rows), old)
  const { episodes } = replay(
    reports.map((timed) => ({ source: GATEWAY, timed })),
    old,
  )
  t.same(followHistory(reports, old).episodes, episodes)
  t.ok(episodes.length > 0)
})

t.test('an incident of the newest days that nobody marked is not learned', async (t) => {
  const incident = (day: number): Condition => (day >= 19 ? { errors: 0.5, latency: 4 } : {})
  const rows = traffic(21, incident)
  t.match(compared(rows).objections, [/takes the incident of 2026-11-21T00:\d\d.* for usual/])
  const falsePositivesMs = [dayMs(19) + 1_800_000]
  t.same(compared(rows, { ...NO_MARKS, falsePositivesMs }).objections, [], 'but a false positive is')
  const over = traffic(21, (day) => (between(day, 19, 19.2) ? { errors: 0.5, latency: 4 } : {}))
  t.same(compared(over).objections, [], 'one that is over does not make the model blind')
  const later = over.map((report) => ({ ...report, timeMs: report.timeMs + 90_000 }))
  t.same(compared(later).objections, [], 'nor one in rows that begin between two slots')
})

t.test('a model that misses a marked incident is refused', async (t) => {
  const rows = traffic(21, (day) => (between(day, 19, 20) ? { errors: 0.3 } : {}))
  const incidentsMs = [dayMs(19) + 600_000]
  const marks = { ...NO_MARKS, incidentsMs }
  t.match(compared(rows, marks, calm), { incidents: { marked: 1, before: 1, after: 1 }, objections: [] })
  const blind = traffic(21, (day) => (day >= 7 ? { errors: 0.3 } : {}))
  t.match(compared(rows, marks, blind).objections[0], /alarms|misses 1 of the 1 marked incidents/)
  t.match(compared(rows, marks, blind).objections.join(), /misses 1 of the 1 marked incidents/)
})

t.test(
  'a model that raises more alarms is refused, as is one that finds fewer injected changes',
  async (t) => {
    const reversed = traffic(21, () => ({}), { night: 1700, noon: 700 })
    t.match(compared(calm, NO_MARKS, reversed).objections[0], /raises \d+ alarms in the replayed time/)
    const noisy = traffic(21, (day) =>
      Math.floor(day * 97) % 3 === 0 ? { traffic: 4, latency: 5, errors: 0.3 } : {},
    )
    t.match(compared(calm, NO_MARKS, noisy).objections.join(), /finds only \d+ of the \d+ injected changes/)
  },
)

t.test('a model of the little that marks leave is refused', async (t) => {
  const part = (days: number) => compared(calm, NO_MARKS, calm.slice(0, (7 + days) * DAY_ROWS))
  t.match(part(2).objections, [/learned from only 2 days; the model before has learned from 14\./])
  t.same(part(7).objections, [])
})

t.test('models with rows of different length are compared by their times', async (t) => {
  const quarters = minutes(BUSY, { startMs: HISTORY_MS, count: 14 * 96, seconds: 900 })
  const longer = detector('new', quarters)
  const rows = traffic(21, (day) => (between(day, 15, 15.1) ? { errors: 0.5 } : {}))
  const found = compareWithPast(followPast(historyOf(rows.slice(7 * DAY_ROWS)), NO_MARKS, old), longer, 0.5)
  t.match(found.events, { both: 1 })
  t.ok(found.probes.still > 0)
})
