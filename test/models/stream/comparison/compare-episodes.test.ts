import t from 'tap'
import { compareEpisodes, MAX_LISTED } from '../../../../models/stream/comparison/compare-episodes.js'
import {
  markedIncidents,
  widened,
  withoutIncidents,
} from '../../../../models/stream/comparison/marked-incidents.js'
import type { ReplayedEpisode } from '../../../../models/stream/replay.js'

const MINUTE_MS = 60_000
const START_MS = Date.parse('2026-11-02T00:00:00Z')
const at = (minute: number) => START_MS + minute * MINUTE_MS
const span = (from: number, to: number) => ({ fromMs: at(from), toMs: at(to) })

const episode = (
  from: number,
  to: number,
  severity: ReplayedEpisode['severity'] = 'medium',
): ReplayedEpisode => ({
  source: 'default',
  ...span(from, to),
  type: 'latency_spike',
  severity,
  explanation: `${from} to ${to}`,
})

t.test('an alarm that is found near the mark of an incident is marked', async (t) => {
  const { listed } = compareEpisodes([], [episode(10, 20), episode(100, 110)], [span(0, 0)])
  t.same(
    listed.map(({ marked }) => marked),
    [true, false],
  )
})

t.test('alarms of two models about the same event are one event', async (t) => {
  const before = [episode(100, 110), episode(200, 205), episode(300, 360, 'high'), episode(500, 520)]
  const after = [episode(104, 115), episode(303, 320), episode(330, 340, 'critical'), episode(700, 710)]
  const found = compareEpisodes(before, after, [span(510, 510)])
  t.match(found, { onlyBefore: 2, onlyAfter: 1, both: 2 })
  const shown = found.listed.map(({ before, after, marked }) => [
    before && (before.fromMs - START_MS) / MINUTE_MS,
    after && (after.fromMs - START_MS) / MINUTE_MS,
    marked,
  ])
  t.same(shown, [
    [100, 104, false],
    [200, null, false],
    [300, 303, false],
    [500, null, true],
    [null, 700, false],
  ])
  t.match(
    found.listed[2]!.after,
    { ...span(303, 340), severity: 'critical', explanation: '330 to 340' },
    'two alarms of one event are shown from the first to the last, as the severest',
  )
})

t.test('nothing is compared with nothing', async (t) => {
  t.same(compareEpisodes([], [], []), { onlyBefore: 0, onlyAfter: 0, both: 0, listed: [] })
})

t.test('totals are exact where not all events are listed: the differences are, and the newest', async (t) => {
  const many = Array.from({ length: 1000 }, (_, i) => episode(100 * i, 100 * i + 5))
  const found = compareEpisodes(many, many.slice(0, 900), [])
  t.match(found, { onlyBefore: 100, onlyAfter: 0, both: 900 })
  t.equal(found.listed.length, MAX_LISTED)
  t.equal(found.listed.filter(({ after }) => after === null).length, 100)
  t.equal(found.listed[0]!.before!.fromMs, at(100 * 700))
})

t.test(
  'marks within a quarter of an hour are one incident, as long as the alarm that belongs to it',
  async (t) => {
    const incidents = markedIncidents([at(70), at(10), at(12), at(25), at(71)])
    t.same(incidents, [span(10, 25), span(70, 71)])
    t.same(widened(incidents, [episode(2, 40), episode(200, 300)]), [span(2, 40), span(70, 71)])
  },
)

t.test('rows of incidents are left out, whole rows of any length', async (t) => {
  const history = (seconds: number, count: number) => ({
    samples: Float64Array.from({ length: 5 * count }, (_, i) => Math.floor(i / 5)),
    timesMs: Float64Array.from({ length: count }, (_, i) => START_MS + i * seconds * 1000),
    intervalSeconds: seconds,
  })
  const left = withoutIncidents(history(60, 10), [span(2, 4), span(8, 8)])
  t.same([...left.timesMs], [0, 1, 5, 6, 7, 9].map(at))
  t.same([...left.samples.filter((_, i) => i % 5 === 0)], [0, 1, 5, 6, 7, 9])
  t.same([...withoutIncidents(history(300, 4), [span(7, 7)]).timesMs], [0, 10, 15].map(at))
  t.same(withoutIncidents(history(60, 3), []), history(60, 3))
})
