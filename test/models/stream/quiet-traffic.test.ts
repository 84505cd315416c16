import t from 'tap'
import type { TimedInterval } from '../../../models/anomaly/measure.js'
import { createRandom } from '../../../models/statistics/random.js'
import { beginStream } from '../../../models/stream/stream-state.js'
import { binomial, poisson } from '../../../eval/detection/draws.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import { BUSY, DAY, firstAlarm, fitted, HISTORY_MS, judgeAll, minutes } from './gateway.js'

const OPENS = 7 * 60
const CLOSES = 22 * 60

/** Minutes with some requests by day, and others at night. */
function quietMinutes(
  { day, night, seed }: { readonly day: number; readonly night: number; readonly seed: number },
  startMinute: number,
  count: number,
): TimedInterval[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, i) => {
    const minute = (startMinute + i) % DAY
    const requests = poisson(random, minute >= OPENS && minute < CLOSES ? day : night)
    const noisy = (ms: number) =>
      requests === 0 ? 0 : ms * Math.exp(random.normal() / Math.sqrt(4 * requests))
    const interval = {
      requests_per_second: requests / 60,
      avg_latency_ms: noisy(80),
      p95_latency_ms: noisy(160),
      p99_latency_ms: noisy(200),
      error_rate: binomial(random, requests, 0.01) / Math.max(1, requests),
      ...{ seconds: 60, requests },
    }
    return { interval, timeMs: HISTORY_MS + (startMinute + i) * MINUTE_MS }
  })
}

const WEEK = 7 * DAY

for (const [name, night] of [
  ['one request in two minutes', 0.5],
  ['no request at all', 0],
] as const) {
  const history = quietMinutes({ day: 20, night, seed: 1 }, 0, WEEK)
  const withRequests = history.filter(({ interval }) => interval.requests > 0)
  for (const [kind, rows] of [
    ['with its empty minutes', history],
    ['of the minutes with requests', withRequests],
  ] as const) {
    t.test(`nights with ${name}, learned from a history ${kind}, raise no alarm in three days`, async (t) => {
      const { verdicts } = judgeAll(fitted(rows), quietMinutes({ day: 20, night, seed: 2 }, WEEK, 3 * DAY))
      t.equal(firstAlarm(verdicts), -1)
      const traffic = verdicts.map(({ expected }) => expected.requests_per_second)
      const atNight = traffic[3 * 60]!.value * 60
      t.ok(Math.abs(atNight - night) < 0.25, `${atNight} requests a minute are expected at night`)
      t.ok(
        traffic.every(({ upper }) => upper * 60 < 200),
        'no band is absurd',
      )
    })
  }
}

for (const [name, startMinute] of [
  ['from midnight to midnight', 0],
  ['from ten to ten', 600],
] as const) {
  t.test(
    `a log of two days ${name} leaves out silent nights, which raise no alarm in three days`,
    async (t) => {
      const log = quietMinutes({ day: 20, night: 0, seed: 1 }, startMinute, 2 * DAY)
      const detector = fitted(log.filter(({ interval }) => interval.requests > 0))
      const next = quietMinutes({ day: 20, night: 0, seed: 2 }, startMinute + 2 * DAY, 3 * DAY)
      t.equal(firstAlarm(judgeAll(detector, next).verdicts), -1)
      const noon = 720 - startMinute
      const stopped = next.slice(0, noon + 30).map((report, i) => (i < noon ? report : without(report)))
      t.ok(firstAlarm(judgeAll(detector, stopped).verdicts) >= noon, 'silence by day is an alarm')
    },
  )
}

t.test('a replica that starts in a silent hour is not missed in the morning', async (t) => {
  const log = quietMinutes({ day: 400, night: 0, seed: 1 }, 0, 2 * DAY)
  const detector = fitted(log.filter(({ interval }) => interval.requests > 0))
  const startMinute = 2 * DAY + 3 * 60
  const share = quietMinutes({ day: 40, night: 12, seed: 2 }, startMinute, DAY)
  const { verdicts, state } = judgeAll(detector, share, beginStream('pod'))
  t.equal(firstAlarm(verdicts), -1)
  t.ok(Math.abs(state.baseline.level.requests_per_second - Math.log(0.1)) < 0.2)
})

function without({ interval, timeMs }: TimedInterval): TimedInterval {
  return { interval: { ...interval, requests_per_second: 0, requests: 0, error_rate: 0 }, timeMs }
}

const busy = fitted(minutes(BUSY, { startMs: HISTORY_MS, count: 4 * DAY }))
const START_MS = HISTORY_MS + 4 * DAY * MINUTE_MS

/** A replica with half of the traffic of a busy gateway from some minute on; before, each minute has so many requests. */
function replica(idleMinutes: number, requestsAt: (minute: number) => number): TimedInterval[] {
  const half = { night: BUSY.night / 2, noon: BUSY.noon / 2, seed: 2 }
  return minutes(half, { startMs: START_MS, count: 300 }).map((report, minute) => {
    if (minute >= idleMinutes) return report
    const requests = requestsAt(minute)
    const interval = { ...report.interval, requests_per_second: requests / 60, requests, error_rate: 0 }
    return { ...report, interval }
  })
}

for (const [name, rows] of [
  ['received one probe and idled five minutes', replica(6, (minute) => Number(minute === 0))],
  ['was probed every minute for half an hour', replica(30, () => 1)],
  ['idled for three hours', replica(180, (minute) => Number(minute % 10 === 0))],
] as const) {
  t.test(`a replica that ${name} takes its share without an alarm`, async (t) => {
    const { verdicts, state } = judgeAll(busy, rows, beginStream('pod'))
    t.equal(firstAlarm(verdicts), -1)
    t.ok(Math.abs(state.baseline.level.requests_per_second - Math.log(0.5)) < 0.1)
  })
}

t.test('a replica that took its share is missed when it stops', async (t) => {
  const rows = replica(0, () => 0).map((report, minute) => (minute < 60 ? report : without(report)))
  const { verdicts } = judgeAll(busy, rows, beginStream('pod'))
  t.equal(firstAlarm(verdicts), 60)
})
