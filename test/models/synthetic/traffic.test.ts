import t from 'tap'
import fc from '../../properties.js'
import { ANOMALY_TYPES } from '../../../models/anomaly/verdict.js'
import { generateTraffic, type SyntheticMinute } from '../../../models/synthetic/traffic.js'
import { quantile } from '../../../models/statistics/quantile.js'

const MONDAY = Date.UTC(2026, 0, 5)
const WEEK = 10_080
const week = (over: Partial<Parameters<typeof generateTraffic>[0]> = {}) => [
  ...generateTraffic({ minutes: WEEK, baseRps: 50, anomalyRate: 0.05, seed: 1, startMs: MONDAY, ...over }),
]
const share = (rows: SyntheticMinute[]) => rows.filter((row) => row.label !== null).length / rows.length
const hourOf = (row: SyntheticMinute) => new Date(row.timestampMs).getUTCHours()
const median = (rows: SyntheticMinute[], feature: 'requests_per_second' | 'avg_latency_ms' | 'error_rate') =>
  quantile(
    rows.map((row) => row[feature]),
    0.5,
  )

const isPlausible = (row: SyntheticMinute) =>
  Number.isFinite(row.requests_per_second) &&
  row.requests_per_second >= 0 &&
  row.avg_latency_ms >= 0 &&
  row.p95_latency_ms >= row.avg_latency_ms &&
  row.p99_latency_ms >= row.p95_latency_ms &&
  Number.isFinite(row.p99_latency_ms) &&
  row.error_rate >= 0 &&
  row.error_rate <= 1

t.test('every row is plausible and the rows are a minute apart, whatever the options', async () => {
  const options = fc.record({
    minutes: fc.integer({ min: 0, max: 600 }),
    baseRps: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    anomalyRate: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.integer(),
    startMs: fc.integer({ min: -1e12, max: 4e12 }),
  })
  fc.assert(
    fc.property(options, (given) => {
      const rows = [...generateTraffic(given)]
      return (
        rows.length === given.minutes &&
        rows.every((row, i) => isPlausible(row) && row.timestampMs === given.startMs + i * 60_000)
      )
    }),
    { seed: 1 },
  )
})

t.test('the share of minutes in incidents is the rate asked for', async (t) => {
  const short = fc.record({
    minutes: fc.integer({ min: 1, max: 3000 }),
    anomalyRate: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.integer(),
  })
  fc.assert(
    fc.property(short, (given) => {
      const rows = week(given)
      return Math.abs(share(rows) - given.anomalyRate) * rows.length < 1
    }),
    { seed: 1 },
  )
  t.equal(share(week({ anomalyRate: 0 })), 0)
  t.equal(share(week({ anomalyRate: 1 })), 1)
})

t.test('a week holds incidents of every type, each several minutes long', async (t) => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const rows = week({ seed })
    t.same(new Set(rows.map((row) => row.label)), new Set([null, ...ANOMALY_TYPES]), `seed ${seed}`)
    const starts = rows.filter((row, i) => row.label !== null && row.label !== rows[i - 1]?.label)
    const mean = (share(rows) * WEEK) / starts.length
    t.ok(mean >= 5 && mean <= 20, `incidents of ${mean} minutes on average`)
  }
})

t.test('six incidents fit into a few hours', async (t) => {
  const labels = new Set(week({ minutes: 360, anomalyRate: 0.05 }).map((row) => row.label))
  t.same(labels, new Set([null, ...ANOMALY_TYPES]))
})

t.test('the same seed gives the same rows, another seed others', async (t) => {
  t.same(week({ minutes: 50 }), week({ minutes: 50 }))
  t.notSame(week({ minutes: 50 }), week({ minutes: 50, seed: 2 }))
})

t.test('ordinary minutes do not change when incidents are added', async (t) => {
  const quiet = week({ anomalyRate: 0 })
  const mixed = week({ anomalyRate: 0.2 })
  t.ok(
    mixed.every((row, i) => row.label !== null || row.requests_per_second === quiet[i]!.requests_per_second),
  )
})

t.test('traffic follows the day and the week, latency follows traffic', async (t) => {
  const rows = week({ anomalyRate: 0 })
  const weekdays = rows.slice(0, 5 * 1440)
  const weekend = rows.slice(5 * 1440)
  const afternoon = weekdays.filter((row) => hourOf(row) === 15)
  const night = weekdays.filter((row) => hourOf(row) === 3)
  t.ok(Math.abs(median(afternoon, 'requests_per_second') / 50 - 1.35) < 0.04)
  t.ok(Math.abs(median(night, 'requests_per_second') / 50 - 0.65) < 0.04)
  t.ok(median(weekend, 'requests_per_second') < 0.8 * median(weekdays, 'requests_per_second'))
  t.ok(median(afternoon, 'avg_latency_ms') > 1.05 * median(night, 'avg_latency_ms'))
  t.ok(Math.abs(median(rows, 'error_rate') - 0.01) < 0.001)
})

t.test('an incident shows in the features that its label names', async (t) => {
  const quiet = week({ anomalyRate: 0 })
  const mixed = week({ anomalyRate: 0.3 })
  const changes = mixed.map((row, i) => ({
    label: row.label,
    traffic: row.requests_per_second / quiet[i]!.requests_per_second,
    latency: row.avg_latency_ms / quiet[i]!.avg_latency_ms,
    errors: row.error_rate - quiet[i]!.error_rate,
  }))
  const near = (value: number, low: number, high: number) => value > low * 0.75 && value < high * 1.25
  const expected = {
    traffic_spike: (c: (typeof changes)[0]) => near(c.traffic, 3, 10) && c.latency < 2 && c.errors === 0,
    traffic_drop: (c: (typeof changes)[0]) => c.traffic < 0.2 && c.latency < 1.01 && c.errors === 0,
    latency_spike: (c: (typeof changes)[0]) => near(c.latency, 3, 8) && c.traffic === 1 && c.errors === 0,
    error_rate_spike: (c: (typeof changes)[0]) => near(c.errors, 0.15, 0.6) && c.traffic === 1,
    pattern_anomaly: (c: (typeof changes)[0]) => c.traffic < 2.5 && c.latency < 2.2 && c.errors < 0.03,
    multi_dimensional: (c: (typeof changes)[0]) => c.traffic > 2 && c.latency > 2 && c.errors > 0.1,
  }
  for (const type of ANOMALY_TYPES) {
    const own = changes.filter((change) => change.label === type)
    t.ok(own.length > 100 && own.every(expected[type]), type)
  }
})

t.test('a year of minutes is a stream that can be left at any time', async (t) => {
  const rows = generateTraffic({ minutes: 527_040, baseRps: 50, anomalyRate: 0.05, seed: 1, startMs: MONDAY })
  t.equal(rows.next().value?.timestampMs, MONDAY)
  rows.return()
  t.equal(rows.next().done, true)
})

t.test('options outside their range are refused by name', async (t) => {
  const refuse = (over: object, name: RegExp) =>
    t.throws(() => week(over), { name: 'RangeError', message: name })
  refuse({ minutes: 1.5 }, /^minutes/)
  refuse({ minutes: -1 }, /^minutes/)
  refuse({ baseRps: 0 }, /^baseRps/)
  refuse({ baseRps: Infinity }, /^baseRps/)
  refuse({ anomalyRate: 1.1 }, /^anomalyRate/)
  refuse({ anomalyRate: NaN }, /^anomalyRate/)
  refuse({ seed: NaN }, /^seed/)
  refuse({ startMs: Infinity }, /^startMs/)
})
