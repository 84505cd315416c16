import t from 'tap'
import { alarmsOf } from '../../eval/detection/alarms.js'
import { averagePrecision } from '../../eval/detection/average-precision.js'
import { NO_CHANGE } from '../../eval/detection/change.js'
import { fitOurs, judgePlain, judgeStream, type Judged } from '../../eval/detection/contenders.js'
import { figuresOf } from '../../eval/detection/figures.js'
import { PLAIN, STREAM } from '../../eval/detection/judge-world.js'
import { scoreWeek, type WeekResult } from '../../eval/detection/score-week.js'
import { drawWorld } from '../../eval/detection/world.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** What `judgeWorld` does, of the contenders that are compared here alone. */
function judgeLarge(gateway: string, seed: number): WeekResult[] {
  const world = drawWorld(gateway, seed)
  const { history, large } = world
  const plain = judgePlain(history, large.rows, Object.values(PLAIN))
  const stream = judgeStream(fitOurs(history), large.rows)
  return [
    scoreWeek(STREAM, 'large', world, large, stream),
    ...Object.keys(PLAIN).map((contender, i) => scoreWeek(contender, 'large', world, large, plain[i]!)),
  ]
}

t.test('the detector finds most large incidents and beats a plain forest', async (t) => {
  const results = ['office-hours', 'around-the-world'].flatMap((gateway) => judgeLarge(gateway, 1))
  const large = (contender: string) => figuresOf(results.filter((week) => week.contender === contender))
  const ours = large(STREAM)
  t.ok(ours.recall >= 0.8, `recall ${ours.recall}`)
  t.ok(ours.falseAlarmsADay <= 1, `${ours.falseAlarmsADay} false alarms a day`)
  t.ok(ours.typeAccuracy >= 0.8, `type ${ours.typeAccuracy}`)
  t.ok(ours.averagePrecision > large('plain 0.01').averagePrecision)
  t.ok(ours.f1 > large('plain 0.1').f1)
})

t.test('the same seed draws the same world, another one another', async (t) => {
  const sum = (seed: number) =>
    drawWorld('hourly-jobs', seed).small.rows.reduce((total, row) => total + row.p99_latency_ms, 0)
  t.equal(sum(1), sum(1))
  t.not(sum(1), sum(2))
})

t.test('what was put into a week shows in its rows', async (t) => {
  const { large, startMs } = drawWorld('around-the-world', 1)
  const silence = large.incidents.find(({ traffic }) => traffic === 0)!
  const during = large.rows.filter(({ timestampMs }) => {
    const minute = (timestampMs - startMs) / MINUTE_MS
    return minute >= silence.start && minute < silence.end
  })
  t.equal(during.length, silence.end - silence.start)
  t.ok(during.every((row) => row.requests_per_second === 0 && row.p99_latency_ms === 0))
})

const minute = (at: number, alarmed: boolean): Judged => ({
  timeMs: at * MINUTE_MS,
  row: {
    timestampMs: at * MINUTE_MS,
    requests_per_second: 1,
    avg_latency_ms: 1,
    p95_latency_ms: 1,
    p99_latency_ms: 1,
    error_rate: 0,
  },
  alarmed,
  rank: Number(alarmed),
  verdict: null,
  strengths: null,
})

t.test('alarmed minutes up to five apart are one alarm', async (t) => {
  const alarmed = (...at: number[]) => alarmsOf(at.map((each) => minute(each, true))).length
  t.equal(alarmed(1, 2, 8), 1)
  t.equal(alarmed(1, 2, 9), 2)
})

t.test('an alarm within 15 minutes after an incident is neither false nor a find', async (t) => {
  const week = {
    rows: [],
    incidents: [{ ...NO_CHANGE, name: 'spike', start: 100, end: 110, traffic: 3 }],
    nuisances: [],
  }
  const judged = (at: number) => Array.from({ length: 300 }, (_, i) => minute(i, i === at))
  const score = (at: number) =>
    scoreWeek('some', 'large', { gateway: 'one', seed: 1, startMs: 0 }, week, judged(at))
  t.same([score(104).incidents[0]!.found, score(104).incidents[0]!.delay], [true, 4])
  t.same([score(120).incidents[0]!.found, score(120).falseAlarms.length], [false, 0])
  t.same([score(130).incidents[0]!.found, score(130).falseAlarms.length], [false, 1])
})

t.test('average precision is that of scikit-learn, ties included', async (t) => {
  const of = (ranks: number[], positive: number[]) =>
    averagePrecision([{ ranks: Float32Array.from(ranks), positive: Uint8Array.from(positive) }])
  // sklearn.metrics.average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
  t.ok(Math.abs(of([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) - 0.8333333) < 1e-6)
  // average_precision_score([0, 1], [0.5, 0.5])
  t.equal(of([0.5, 0.5], [0, 1]), 0.5)
})
