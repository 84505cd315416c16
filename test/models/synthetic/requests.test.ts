import t from 'tap'
import fc from '../../properties.js'
import { ENDPOINTS } from '../../../models/synthetic/endpoints.js'
import { generateRequests, populationOf, type RequestBatch } from '../../../models/synthetic/requests.js'
import { generateTraffic, type SyntheticOptions } from '../../../models/synthetic/traffic.js'

const MONDAY = Date.UTC(2026, 0, 5)
const BASE: SyntheticOptions = { minutes: 120, baseRps: 50, anomalyRate: 0, seed: 1, startMs: MONDAY }
const population = populationOf(1)

interface Request {
  n: number
  timeMs: number
  minuteMs: number
  endpoint: number
  client: number
  status: number
  latencyMs: number
  label: string | null
}

const rowOf = (batch: Readonly<RequestBatch>, i: number): Request => ({
  n: batch.first + i,
  timeMs: batch.minuteMs + batch.offsetMs[i]!,
  minuteMs: batch.minuteMs,
  endpoint: batch.endpoint[i]!,
  client: batch.client[i]!,
  status: batch.status[i]!,
  latencyMs: batch.latencyMs[i]!,
  label: batch.label,
})

function requests(over: Partial<SyntheticOptions> = {}): Request[] {
  const options = { ...BASE, ...over }
  const rows: Request[] = []
  const people = options.seed === 1 ? population : populationOf(options.seed)
  for (const batch of generateRequests(options, people)) {
    for (let i = 0; i < batch.length; i++) rows.push(rowOf(batch, i))
  }
  return rows
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const errorRate = (rows: Request[]) => mean(rows.map(({ status }) => (status >= 400 ? 1 : 0)))

t.test('the same seed gives the same requests, another seed others', async (t) => {
  const few = (over: Partial<SyntheticOptions> = {}) => requests({ minutes: 3, baseRps: 0.2, ...over })
  t.strictSame(few(), few())
  t.notSame(few(), few({ seed: 2 }))
})

t.test('requests are numbered, in order of time, within their minute, and plausible', async () => {
  const options = fc.record({
    minutes: fc.integer({ min: 0, max: 4 }),
    baseRps: fc.double({ min: 0.001, max: 40, noNaN: true }),
    anomalyRate: fc.double({ min: 0, max: 0.5, noNaN: true }),
    seed: fc.constant(1),
    startMs: fc.integer({ min: 0, max: 30_000_000 }).map((minute) => minute * 60_000),
  })
  fc.assert(
    fc.property(options, (given) => {
      const rows = requests(given)
      return rows.every(
        (row, i) =>
          row.n === i &&
          row.timeMs >= (rows[i - 1]?.timeMs ?? given.startMs) &&
          row.timeMs < Math.min(row.minuteMs + 60_000, given.startMs + given.minutes * 60_000) &&
          row.endpoint < ENDPOINTS.length &&
          row.client < population.clients.length &&
          row.status >= 200 &&
          row.status < 600 &&
          row.latencyMs >= 1 &&
          row.latencyMs <= 60_000,
      )
    }),
    { seed: 1, numRuns: 40 },
  )
})

t.test('each minute has the traffic, latency, errors and label of its minute', async (t) => {
  const options = { ...BASE, minutes: 300, baseRps: 15, anomalyRate: 0.3 }
  const byMinute = grouped(requests(options))
  for (const minute of generateTraffic(options)) {
    const rows = byMinute.get(minute.timestampMs) ?? []
    const expected = minute.requests_per_second * 60
    // Six standard deviations: of a Poisson number, of a mean latency, of a share.
    const far = 6 * Math.sqrt(expected)
    if (Math.abs(rows.length - expected) > far) t.fail(`${rows.length} requests, not ${expected}`)
    if (rows.length < 200) continue
    const latency = mean(rows.map(({ latencyMs }) => latencyMs))
    const latencyError = (6 * 2 * minute.avg_latency_ms) / Math.sqrt(rows.length)
    if (Math.abs(latency - minute.avg_latency_ms) > latencyError)
      t.fail(`${latency} ms on average, not ${minute.avg_latency_ms}`)
    const { error_rate: rate } = minute
    if (Math.abs(errorRate(rows) - rate) > 6 * Math.sqrt((rate * (1 - rate)) / rows.length))
      t.fail(`${errorRate(rows)} failed, not ${rate}`)
    if (rows.some(({ label }) => label !== minute.label)) t.fail('another label')
  }
  t.equal(new Set([...byMinute.values()].map(([first]) => first!.label)).size, 7, 'every type, and none')
})

function grouped(rows: Request[]): Map<number, Request[]> {
  const groups = new Map<number, Request[]>()
  for (const row of rows) {
    const group = groups.get(row.minuteMs)
    if (group) group.push(row)
    else groups.set(row.minuteMs, [row])
  }
  return groups
}

t.test('endpoints differ in weight, latency and failures', async (t) => {
  const rows = requests({ minutes: 150 })
  const total = ENDPOINTS.reduce((sum, { weight }) => sum + weight, 0)
  const failures = new Map<number, number>()
  ENDPOINTS.forEach(({ weight, medianMs, sigma, path }, endpoint) => {
    const own = rows.filter((row) => row.endpoint === endpoint)
    const share = weight / total
    const far = 5 * Math.sqrt((share * (1 - share)) / rows.length)
    t.ok(Math.abs(own.length / rows.length - share) < far, `${path}: ${own.length} of ${rows.length}`)
    // Medians as they are told apart, the same factor (the hour's load) for all.
    const logs = own.map(({ latencyMs }) => Math.log(latencyMs))
    const center = mean(logs)
    const spread = Math.sqrt(mean(logs.map((log) => (log - center) ** 2)))
    t.ok(Math.abs(spread / sigma - 1) < 0.25, `${path}: ${spread} for sigma ${sigma}`)
    t.ok(Math.abs(Math.exp(center) / medianMs - 0.9) < 0.3, `${path}: ${Math.exp(center)} for ${medianMs} ms`)
    failures.set(endpoint, errorRate(own))
  })
  const endpointOf = (path: string) => ENDPOINTS.findIndex((endpoint) => endpoint.path === path)
  t.ok(failures.get(endpointOf('/api/auth/login'))! > 4 * failures.get(endpointOf('/api/products'))!)
  t.ok(Math.abs(errorRate(rows) - 0.01) < 0.002)
})

t.test('an incident breaks servers, not callers', async (t) => {
  const rows = requests({ minutes: 800, baseRps: 5, anomalyRate: 0.3 })
  const broken = rows.filter(({ label }) => label === 'error_rate_spike')
  const quiet = rows.filter(({ label }) => label === null)
  const share = (of: Request[], low: number) =>
    mean(of.map(({ status }) => (status >= low && status < low + 100 ? 1 : 0)))
  t.ok(share(broken, 500) > 0.1)
  t.ok(share(broken, 400) < 2 * share(quiet, 400) + 0.002)
  t.ok(share(quiet, 400) > share(quiet, 500))
  t.ok(share(quiet, 300) > 0.02, 'some answers have not changed')
})

t.test('users follow the law of Zipf; some are not known; some share an address', async (t) => {
  const rows = requests({ minutes: 240 })
  const { clients } = population
  const perUser = new Map<string, number>()
  let unknown = 0
  for (const { client } of rows) {
    const { userId } = clients[client]!
    if (userId === null) unknown++
    else perUser.set(userId, (perUser.get(userId) ?? 0) + 1)
  }
  t.ok(Math.abs(unknown / rows.length - 0.2) < 0.006)
  const known = rows.length - unknown
  const harmonic = Array.from({ length: 2000 }, (_, k) => 1 / (k + 1)).reduce((a, b) => a + b)
  for (const rank of [1, 2, 3, 10, 50]) {
    const expected = known / (rank * harmonic)
    const seen = perUser.get(`user_${rank}`)!
    t.ok(Math.abs(seen - expected) < 5 * Math.sqrt(expected), `user ${rank}: ${seen} of ${known}`)
  }
  const usersAt = new Map<string, Set<string | null>>()
  for (const { address, userId } of clients) {
    usersAt.set(address, (usersAt.get(address) ?? new Set()).add(userId))
  }
  const sizes = [...usersAt.values()].map(({ size }) => size)
  t.ok(Math.max(...sizes) > 10, 'offices')
  t.ok(sizes.filter((size) => size === 1).length > 1000, 'homes')
})

t.test('arrivals are a Poisson process: the waiting times are exponential', async (t) => {
  const rows = requests({ minutes: 60, baseRps: 5 })
  const waits = rows.slice(1).map((row, i) => row.timeMs - rows[i]!.timeMs)
  const average = mean(waits)
  const longer = (times: number) => mean(waits.map((wait) => (wait > times * average ? 1 : 0)))
  for (const times of [0.5, 1, 2]) t.ok(Math.abs(longer(times) - Math.exp(-times)) < 0.02)
})

t.test('a year at ten thousand a second is a stream that can be left at any time', async (t) => {
  const options = { ...BASE, minutes: 527_040, baseRps: 10_000 }
  const stream = generateRequests(options, population)
  const first = stream.next().value as RequestBatch
  t.equal(first.minuteMs, MONDAY)
  t.ok(first.length <= 1024, 'however busy the minute')
  stream.return()
  t.equal(stream.next().done, true)
})

t.test('options outside their range are refused by name', async (t) => {
  t.throws(() => requests({ baseRps: 0 }), { name: 'RangeError', message: /^baseRps/ })
  t.throws(() => requests({ anomalyRate: 2 }), { name: 'RangeError', message: /^anomalyRate/ })
})
