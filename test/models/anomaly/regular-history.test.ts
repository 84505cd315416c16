import t from 'tap'
import { FEATURES, N_FEATURES } from '../../../models/anomaly/features.js'
import { mergeIntervals } from '../../../models/anomaly/merge-intervals.js'
import { regularHistory, type History } from '../../../models/anomaly/regular-history.js'
import { rowSeconds } from '../../../models/anomaly/row-interval.js'
import { createRandom } from '../../../models/statistics/random.js'
import { poisson } from '../../../eval/detection/draws.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

const START_MS = Date.parse('2026-11-02T00:00:00Z')

/** The rows with requests of some days of minutes. */
function logOf(nDays: number, requestsAt: (minute: number) => number): History {
  const rows = Array.from({ length: nDays * 1440 }, (_, minute) => ({ minute, requests: requestsAt(minute) }))
  const kept = rows.filter(({ requests }) => requests > 0)
  return {
    samples: Float64Array.from(kept.flatMap(({ requests }) => [requests / 60, 40, 90, 120, 0])),
    timesMs: Float64Array.from(kept, ({ minute }) => START_MS + minute * MINUTE_MS),
  }
}

const ratesOf = ({ samples }: History) =>
  Array.from({ length: samples.length / N_FEATURES }, (_, row) => samples[row * N_FEATURES]!)

t.test('the interval of rows is the usual distance of their times', async (t) => {
  const every = (seconds: number, jitter = 0) =>
    Array.from({ length: 200 }, (_, i) => 1000 * (i * seconds + ((i * 7) % 3) * jitter))
  for (const seconds of [1, 10, 60, 300, 900, 3600, 86_400, 90]) t.equal(rowSeconds(every(seconds)), seconds)
  t.equal(rowSeconds(every(60, 2)), 60, 'with jitter')
  t.equal(rowSeconds(every(300).filter((_, i) => i % 50 > 9)), 300, 'with gaps')
  t.equal(
    rowSeconds(logOf(3, (minute) => Number((minute * 7919) % 10 < 4)).timesMs),
    60,
    'without most of the empty minutes',
  )
  t.equal(rowSeconds([]), 60)
  t.equal(rowSeconds([5, 5, 5]), 60, 'of equal times nothing is known')
})

t.test('minutes without requests that the log leaves out are known to be empty', async (t) => {
  const random = createRandom(1)
  const isDay = (minute: number) => minute % 1440 >= 420
  const history = logOf(7, (minute) => poisson(random, isDay(minute) ? 20 : 0.5))
  const { samples, timesMs, intervalSeconds } = regularHistory(history)
  t.equal(intervalSeconds, 60)
  const span = (timesMs.at(-1)! - timesMs[0]!) / MINUTE_MS + 1
  t.ok(timesMs.length > 0.999 * span, `${timesMs.length} of ${span} minutes`)
  const night = ratesOf({ samples, timesMs }).filter((_, i) => (timesMs[i]! % DAY_MS) / HOUR_MS < 7)
  const mean = (60 * night.reduce((sum, rate) => sum + rate, 0)) / night.length
  t.ok(Math.abs(mean - 0.5) < 0.05, `${mean} requests a minute at night`)
})

t.test('silent nights are empty, a lost hour of a busy day is unknown', async (t) => {
  const isDay = (minute: number) => minute % 1440 >= 420
  const isLost = (minute: number) => minute >= 3 * 1440 + 600 && minute < 3 * 1440 + 660
  const history = logOf(7, (minute) => (isDay(minute) && !isLost(minute) ? 20 : 0))
  const { timesMs } = regularHistory(history)
  t.equal(timesMs.length, 7 * 1440 - 420 - 60)
  t.notOk([...timesMs].some((timeMs) => isLost((timeMs - START_MS) / MINUTE_MS)))
})

t.test('years between two rows cost nothing, and are unknown', async (t) => {
  const { samples, timesMs } = logOf(2, (minute) => Number(minute % 3 > 0))
  const within = regularHistory({ samples: samples.slice(N_FEATURES), timesMs: timesMs.slice(1) }).timesMs
  timesMs[0] = 60_000
  t.equal(regularHistory({ samples, timesMs }).timesMs.length, within.length + 1)
})

t.test('a history that reports empty minutes is complete, and its gaps are unknown', async (t) => {
  const { samples, timesMs } = logOf(3, (minute) => 1 + (minute % 2))
  const kept = [...timesMs.keys()].filter((row) => row % 3 > 0 || row < 3)
  const history = {
    samples: Float64Array.from(kept.flatMap((row) => [...samples.subarray(row * 5, row * 5 + 5)])),
    timesMs: Float64Array.from(kept, (row) => timesMs[row]!),
  }
  t.ok(regularHistory(history).timesMs.length > history.timesMs.length)
  history.samples[0] = 0
  t.equal(regularHistory(history).timesMs.length, history.timesMs.length)
})

t.test('rows of ten seconds are merged to minutes, and minutes to what is asked for', async (t) => {
  const rows = Array.from({ length: 600 }, (_, i) => [i % 6, 10 * (i % 6), 50, NaN, i % 6 === 5 ? 0.5 : 0])
  const timesMs = Float64Array.from(rows, (_, i) => START_MS + i * 10_000)
  const history = { samples: Float64Array.from(rows.flat()), timesMs }
  const minutes = regularHistory(history)
  t.match(minutes, { intervalSeconds: 60, timesMs: { length: 100 } })
  const [rate, average, p95, p99, errors] = minutes.samples
  t.equal(rate, 2.5)
  // Weighted by requests: (1·10 + 2·20 + … + 5·50) / 15.
  t.ok(Math.abs(average! - 550 / 15) < 1e-9)
  t.same([p95, p99], [50, NaN])
  t.ok(Math.abs(errors! - (5 * 0.5) / 15) < 1e-9)
  t.match(regularHistory(history, 300), { intervalSeconds: 300, timesMs: { length: 20 } })
})

t.test('merged intervals have the requests and the seconds of all', async (t) => {
  const part = (requests: number, latency: number) => ({
    ...{ requests_per_second: requests / 10, avg_latency_ms: latency, p95_latency_ms: latency },
    ...{ p99_latency_ms: latency, error_rate: requests > 0 ? 0.1 : 0, seconds: 10, requests },
  })
  const merged = mergeIntervals([part(30, 20), part(0, 0), part(10, 60)])
  t.match(merged, { seconds: 30, requests: 40, requests_per_second: 40 / 30, avg_latency_ms: 30 })
  t.ok(Math.abs(merged.error_rate - 0.1) < 1e-12)
  const silent = mergeIntervals([part(0, 0), part(0, 0)])
  for (const feature of FEATURES) t.equal(silent[feature], 0)
})
