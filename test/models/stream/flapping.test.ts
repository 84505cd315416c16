import t from 'tap'
import { memoryFromState, memoryToState } from '../../../models/stream/memory-state.js'
import { MAX_RUNS } from '../../../models/stream/flapping.js'
import type { StreamVerdict } from '../../../models/stream/stream-verdict.js'
import { SEVERITIES } from '../../../models/anomaly/verdict.js'
import { beginStream } from '../../../models/stream/stream-state.js'
import {
  BUSY,
  calibrated,
  episodes,
  HISTORY_MS,
  judgeAll,
  minutes,
  TWO_WEEKS,
  type Condition,
} from './gateway.js'
import { DAY_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

const AFTER_MS = HISTORY_MS + TWO_WEEKS * MINUTE_MS

const SIZES: Readonly<Record<string, Condition>> = {
  'five times the traffic': { traffic: 5 },
  'twice the traffic': { traffic: 2 },
  'half of the requests fail': { errors: 0.5 },
  'seven points more errors': { errors: 0.07 },
  'six times the latency': { latency: 6 },
  'twice the latency': { latency: 2 },
  'a tenth of the traffic': { traffic: 0.1 },
}

const DETECTORS = new Map(
  [60, 300].map((seconds) => {
    const history = minutes(BUSY, { startMs: HISTORY_MS, count: (14 * DAY_MS) / (seconds * 1000), seconds })
    return [seconds, calibrated(history)] as const
  }),
)
const OF_MINUTES = DETECTORS.get(60)!

for (const [seconds, detector] of DETECTORS) {
  const rowMs = seconds * 1000
  const rowsOf = (startMs: number, count: number, conditionAt?: (row: number) => Condition) =>
    minutes(BUSY, { startMs, count, seconds }, conditionAt)
  /** Reports from six in the morning on, with the condition in the rows that are bad. */
  const judged = (count: number, condition: Condition, isBad: (row: number) => boolean) =>
    judgeAll(
      detector,
      rowsOf(AFTER_MS + DAY_MS / 4, count, (row) => (isBad(row) ? condition : {})),
    )
  const confirmedRows = (verdicts: readonly StreamVerdict[]) =>
    verdicts.flatMap(({ confirmed }, row) => (confirmed ? [row] : []))

  t.test(`one bad report in six, in rows of ${seconds} s`, async (t) => {
    const [first, count] = [20, 36]
    const last = first + (count - 1) * 6
    const isBad = (row: number) => row >= first && row <= last && (row - first) % 6 === 0
    for (const [name, condition] of Object.entries(SIZES)) {
      const { verdicts, state } = judged(last + 60, condition, isBad)
      const rows = confirmedRows(verdicts)
      t.equal(episodes(verdicts), 1, `${name}: one episode`)
      const severities = rows.map((row) => SEVERITIES.indexOf(verdicts[row]!.severity!))
      // Errors in one minute of six do not become more severe by what the minutes between lack by chance.
      const most = SEVERITIES[Math.max(...severities)]
      if (name === 'seven points more errors') t.equal(most, seconds < 120 ? 'medium' : 'high')
      t.ok(rows[0]! >= first && rows[0]! <= first + 2 * 6, `${name}: begins within three bad reports`)
      t.ok(
        rows.at(-1)! >= last - 6 && rows.at(-1)! <= last + 5,
        `${name}: ends after quiet, ${rows.at(-1)} after ${last}`,
      )
      const unit = seconds === 60 ? 'minutes' : 'reports'
      const { explanation, flapping } = verdicts[last]!
      t.match(explanation, new RegExp(`Flapping: \\d+ of the last \\d+ ${unit} are anomalous\\.`), name)
      t.ok(flapping && flapping.anomalous <= MAX_RUNS * 3 && flapping.reports < 15 * MAX_RUNS, name)
      t.equal(state.episode, null)
      t.strictSame(state.flaps, beginStream('default').flaps, 'and nothing of it is remembered')
    }
  })

  t.test(`what is no flapping, in rows of ${seconds} s`, async (t) => {
    for (const [name, condition] of Object.entries(SIZES)) {
      const once = judged(120, condition, (row) => row === 40).verdicts
      const apart = judged(240, condition, (row) => row === 40 || row === 180).verdicts
      const lasting = judged(120, condition, (row) => row >= 40 && row < 70).verdicts
      for (const verdicts of [once, apart, lasting]) {
        t.ok(
          verdicts.every(({ flapping }) => flapping === null),
          name,
        )
      }
      t.equal(episodes(lasting), 1, `${name}: a lasting change is one episode`)
      const latest = apart[180]!.episodeSinceMs
      t.ok(latest === null || latest === AFTER_MS + DAY_MS / 4 + 180 * rowMs, `${name}: hours apart`)
    }
  })
}

t.test('an incident soon after another is an episode of its own', async (t) => {
  const isBad = (minute: number) => (minute >= 40 && minute < 60) || (minute >= 70 && minute < 90)
  const reports = minutes(BUSY, { startMs: AFTER_MS, count: 120 }, (m) => (isBad(m) ? { traffic: 5 } : {}))
  const { verdicts } = judgeAll(OF_MINUTES, reports)
  t.equal(episodes(verdicts), 2)
})

t.test('flapping survives a restart in between', async (t) => {
  const isBad = (minute: number) => minute >= 40 && minute % 6 === 0
  const reports = minutes(BUSY, { startMs: AFTER_MS, count: 200 }, (m) => (isBad(m) ? { errors: 0.07 } : {}))
  const whole = judgeAll(OF_MINUTES, reports)
  const before = judgeAll(OF_MINUTES, reports.slice(0, 100))
  const memory = { window: [], state: before.state, before: before.state }
  const stored = JSON.parse(JSON.stringify(memoryToState(memory))) as object
  const { verdicts } = judgeAll(OF_MINUTES, reports.slice(100), memoryFromState(stored)!.state)
  t.strictSame([...before.verdicts, ...verdicts], whole.verdicts)
})
