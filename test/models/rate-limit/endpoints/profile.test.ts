import t from 'tap'
import fc from '../../../properties.js'
import { dailyP95 } from '../../../../models/rate-limit/endpoints/daily-p95.js'
import { fitEndpointProfile, type EndpointTraffic } from '../../../../models/rate-limit/endpoints/profile.js'
import { quantileWithZeros } from '../../../../models/rate-limit/endpoints/quantile-with-zeros.js'
import { timeOfDayVariance } from '../../../../models/rate-limit/endpoints/time-of-day-variance.js'
import { quantile } from '../../../../models/statistics/quantile.js'

const DAY = 1440

const fit = (entries: [minute: number, count: number][], changes: Partial<EndpointTraffic> = {}) =>
  fitEndpointProfile({
    endpoint: '/api/users',
    method: 'GET',
    frequentMethod: 'GET',
    minutes: entries.map(([minute]) => minute),
    counts: entries.map(([, count]) => count),
    latencySumMs: 300,
    latencies: 10,
    errors: 1,
    uniqueUsers: 3,
    p99SecondRequests: 4,
    busiestSecondRequests: 7,
    ...changes,
  })

t.test('empty minutes between the first and the last request count', async (t) => {
  const entries = [100, 101, 103, 104].map((minute): [number, number] => [minute, 10])
  t.match(fit(entries), {
    endpoint: '/api/users',
    method: 'GET',
    avgRequestsPerMinute: 8,
    peakRequestsPerMinute: 10,
    p95RequestsPerMinute: 10,
    avgLatencyMs: 30,
    errorRate: 1 / 40,
    uniqueUsers: 3,
    totalRequests: 40,
    typicalBurstSize: 4,
    largestBurstSize: 7,
  })
})

t.test('p95 is over all minutes, unless fewer than a fifth have any request', async (t) => {
  const every = (step: number): [number, number][] =>
    Array.from({ length: 100 }, (_, i) => [i * step, i < 30 ? 20 : 2])
  // 100 of 496 minutes is a fifth and a little; the 95th percentile of all lies among the thirty of 20.
  t.equal(
    fit(every(5))!.p95RequestsPerMinute,
    quantileWithZeros(Float64Array.from(every(5), ([, n]) => n).sort(), 396, 0.95),
  )
  t.equal(fit(every(6))!.p95RequestsPerMinute, 20, 'fewer than a fifth: over those that have')
  t.equal(fit([[5, 3]])!.p95RequestsPerMinute, 3, 'a single minute')
  const rare = Array.from({ length: 25 }, (_, i): [number, number] => [i * 4, 1 + (i % 2)])
  t.equal(
    fit(rare)!.p95RequestsPerMinute,
    quantile([...rare.map(([, n]) => n), ...new Array<number>(72).fill(0)], 0.95),
  )
})

t.test('excluded minutes count neither as requests nor as empty', async (t) => {
  const steady = Array.from({ length: 60 }, (_, i): [number, number] => [1000 + i, 10])
  const flooded = steady.map(([minute, count]): [number, number] => [
    minute,
    minute >= 1020 && minute < 1030 ? 5000 : count,
  ])
  const excluded = [
    { from: 1020, to: 1026 },
    { from: 1025, to: 1030 },
  ]
  const found = fit(flooded, { excluded })!
  t.match(found, { avgRequestsPerMinute: 10, peakRequestsPerMinute: 10, totalRequests: 500 })
  t.ok(found.timeOfDayVariance < 1e-12)
  t.equal(fit(steady, { excluded: [{ from: 0, to: 5000 }] }), null)
  t.equal(fit([]), null)
})

t.test('a quantile with zeros is the quantile of the list with the zeros written out', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 50 }),
      fc.integer({ min: 0, max: 100 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, zeros, p) => {
        fc.pre(values.length + zeros > 0)
        const all = [...values, ...new Array<number>(zeros).fill(0)]
        return quantileWithZeros(Float64Array.from(values).sort(), zeros, p) === quantile(all, p)
      },
    ),
  )
})

t.test('the swing over whole days is standard deviation over mean of the 24 hourly counts', async (t) => {
  const minutes: number[] = []
  const counts: number[] = []
  const hourly = new Array<number>(24).fill(0)
  for (let minute = 0; minute < 3 * DAY; minute++) {
    const hour = Math.floor(minute / 60) % 24
    minutes.push(minute)
    counts.push(1 + ((hour * 7) % 11))
    hourly[hour]! += counts.at(-1)!
  }
  const mean = hourly.reduce((sum, n) => sum + n, 0) / 24
  const deviation = Math.sqrt(hourly.reduce((sum, n) => sum + (n - mean) ** 2, 0) / 24)
  t.ok(Math.abs(timeOfDayVariance(minutes, counts) - deviation / mean) < 1e-12)
})

t.test('a history that ends within an hour, or is short, does not make flat traffic swing', async (t) => {
  const flat = (length: number) => Array.from({ length }, (_, i) => 777 + i)
  for (const length of [1, 50, 90, 2 * DAY + 17]) {
    t.ok(timeOfDayVariance(flat(length), new Array<number>(length).fill(4)) < 1e-9, `${length} minutes`)
  }
  const office = Array.from({ length: 5 }, (_, day) => [day * DAY + 540, day * DAY + 541]).flat()
  t.ok(timeOfDayVariance(office, new Array<number>(10).fill(6)) > 3, 'all in one hour of the day')
})

t.test('each day has its own p95', async (t) => {
  const minutes: number[] = []
  const counts: number[] = []
  for (const [day, count] of [3, 0, 9].entries()) {
    for (let minute = 0; minute < DAY && count > 0; minute++) {
      minutes.push(day * DAY + minute)
      counts.push(count)
    }
  }
  t.same([...dailyP95({ minutes, counts })], [3, 9])
  t.same([...dailyP95({ minutes, counts, excluded: [{ from: 0, to: DAY }] })], [9])
  t.same([...dailyP95({ minutes: [], counts: [] })], [])
})
