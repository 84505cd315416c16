import t, { type Test } from 'tap'
import { describeApp } from '../../app.js'
import { FAILURES } from '../../plugins/http/errors.js'

interface Verdict {
  anomaly: boolean
  score: number
  normalized_score: number
  anomaly_type: string | null
  severity: string | null
  explanation: string
  features: Record<string, number>
  timestamp: string
  expected: Record<string, { value: number; lower: number; upper: number }>
  contributions: Record<string, number>
  streak: number
}
interface Profile {
  avg_requests_per_minute: number
  peak_requests_per_minute: number
  p95_requests_per_minute: number
  typical_burst_size: number
}
interface Recommendation {
  recommended_limit: number
  recommended_burst: number
  tier: string
  strategy: string
  confidence: number
  reasoning: string
  interval: { lower: number; upper: number }
  burst_curve: { limit: number; burst: number }[]
  profile: Profile
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, { examples?: unknown[] }>
    examples: Record<string, { value: unknown }>
  }
}
interface Operation {
  requestBody?: { content: Record<string, { examples?: Record<string, { value: object }> }> }
  responses: Record<string, Response>
}
interface Response {
  content?: Record<string, { schema?: { properties?: { data?: { examples?: unknown[] } } } }>
}

const app = await describeApp()
t.teardown(() => app.close())
const document = app.swagger() as unknown as Document

function examplesOf<T>(name: string): T[] {
  return (document.components.schemas[name]!.examples ?? []) as T[]
}

function exampleOf<T>(name: string): T {
  return examplesOf<T>(name)[0]!
}

t.test('every schema has an example, unless its fields have a single value', async (t) => {
  const without = Object.entries(document.components.schemas)
    .filter(([, { examples = [] }]) => examples.length === 0)
    .map(([name]) => name)
  t.same(without.sort(), ['Alive', 'Failure', 'Ready', 'ResetResult'])
})

t.test('an example verdict agrees with itself', async (t) => {
  const verdicts = examplesOf<Verdict>('Verdict')
  t.ok(verdicts.some(({ anomaly }) => anomaly) && verdicts.some(({ anomaly }) => !anomaly))
  for (const verdict of verdicts) checkVerdict(t, verdict)
})

t.test('the example minute is the one of the example verdict', async (t) => {
  const minutes = examplesOf<Record<string, unknown>>('Metrics')
  examplesOf<Verdict>('Verdict').forEach(({ features, timestamp }, i) => {
    t.match(minutes[i], { ...features, timestamp })
  })
})

t.test('the example batch has a verdict for each interval, and a summary that counts them', async (t) => {
  const { metrics } = exampleOf<{ metrics: { timestamp: string }[] }>('Batch')
  const { results, summary, episodes } = exampleOf<{
    results: Verdict[]
    summary: object
    episodes: { from: string; to: string; type: string; severity: string; explanation: string }[]
  }>('BatchVerdict')
  t.same(
    results.map(({ timestamp }) => timestamp),
    metrics.map(({ timestamp }) => timestamp),
  )
  for (const verdict of results) checkVerdict(t, verdict)
  const anomalous = results.filter(({ anomaly }) => anomaly)
  const anomalies = anomalous.length
  t.same(summary, { total: results.length, anomalies, anomaly_rate: anomalies / results.length })
  for (const { from, to, type, severity, explanation } of episodes) {
    const inside = anomalous.filter(({ timestamp }) => timestamp >= from && timestamp <= to)
    t.ok(inside.some((verdict) => verdict.anomaly_type === type && verdict.severity === severity))
    t.ok(inside.some((verdict) => verdict.explanation === explanation))
  }
})

function checkVerdict(t: Test, verdict: Verdict): void {
  const { anomaly, features, expected, contributions, explanation } = verdict
  t.equal(verdict.severity !== null, anomaly)
  t.equal(verdict.anomaly_type !== null, anomaly)
  t.equal(verdict.normalized_score >= 0.5, anomaly)
  t.equal(verdict.streak > 0, anomaly)
  t.ok(Math.abs(sum(Object.values(contributions)) - 1) < 1e-9, 'contributions sum to 1')
  for (const { value, lower, upper } of Object.values(expected)) t.ok(lower <= value && value <= upper)
  if (!anomaly) return
  t.ok(verdict.score < 0)
  const [leading] = Object.entries(contributions).sort(([, a], [, b]) => b - a)[0]!
  const { value, lower, upper } = expected[leading]!
  t.notOk(features[leading]! >= lower && features[leading]! <= upper, 'the leading feature is out of range')
  t.equal(leading, 'requests_per_second')
  t.match(explanation, `Traffic ${features[leading]} requests/s`)
  t.match(explanation, `(${Number((features[leading]! / value).toPrecision(2))} times the usual)`)
  t.match(explanation, `${lower}–${upper}`)
  t.match(explanation, `${100 * contributions[leading]!} %`)
  const day = new Date(verdict.timestamp).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })
  t.match(explanation, `${day} ${verdict.timestamp.slice(11, 16)}`)
}

const TIERS: Record<string, number> = {
  free: 0.5,
  basic: 0.75,
  default: 1,
  standard: 1.5,
  premium: 2.5,
  enterprise: 5,
}
const STRATEGIES: Record<string, number> = { conservative: 0.7, balanced: 1, permissive: 1.3 }

function friendly(value: number): number {
  const step = value < 50 ? 5 : value < 100 ? 10 : value < 500 ? 25 : value < 1000 ? 50 : 100
  return Math.round(value / step) * step
}

t.test('an example recommendation follows the formulas of the limits', async (t) => {
  const kept = exampleOf<{ recommendations: Recommendation[] }>('KeptRecommendations').recommendations
  const all = examplesOf<Recommendation>('KeptRecommendation').concat(kept)
  for (const each of [...examplesOf<Recommendation>('Recommendation'), ...all]) {
    const { tier, strategy, profile, recommended_limit: limit, recommended_burst: burst } = each
    const base = friendly(Math.max(10, 1.2 * profile.p95_requests_per_minute))
    t.equal(limit, Math.trunc(Math.trunc(base * TIERS[tier]!) * STRATEGIES[strategy]!))
    const seconds = Math.max(10, Math.floor(limit / 6))
    t.equal(burst, friendly(Math.max(seconds, Math.min(2 * profile.typical_burst_size, limit))))
    for (const number of [base, limit, burst, profile.p95_requests_per_minute]) {
      t.match(each.reasoning, new RegExp(`\\b${number}\\b`))
    }
  }
})

t.test('an example recommendation agrees with its evidence', async (t) => {
  const found = exampleOf<Recommendation>('Recommendation')
  const { recommended_limit: limit, recommended_burst: burst, burst_curve: curve, interval } = found
  t.same(found.profile, exampleOf('Profile'))
  t.same(
    curve.find((point) => point.limit === limit),
    { limit, burst },
  )
  t.ok(curve.every((point, i) => i === 0 || point.burst <= curve[i - 1]!.burst))
  t.ok(interval.lower <= limit && limit <= interval.upper)
  const { recommendations, summary } = exampleOf<{ recommendations: Recommendation[]; summary: object }>(
    'Recommendations',
  )
  t.same(summary, {
    total_endpoints: recommendations.length,
    avg_confidence: sum(recommendations.map(({ confidence }) => confidence)) / recommendations.length,
  })
})

t.test('the example backtest adds up', async (t) => {
  const asked = exampleOf<Record<string, unknown>>('BacktestBody')
  const done = exampleOf<{
    requests: number
    rejected: number
    clients: number
    clients_affected: number
    rejection_rate: number
    clients_affected_rate: number
    from: string
    to: string
    worst_minutes: { minute: string; requests: number; rejected: number }[]
    worst_clients: { rejected: number }[]
    by_endpoint: { requests: number; rejected: number }[]
    peak_offered: { requests: number }
  }>('Backtest')
  t.match(done, { endpoint: asked['endpoint'], scope: asked['scope'] })
  t.match(done, { rule: { limit: asked['limit'], burst: asked['burst'] } })
  t.equal(Date.parse(done.to) - Date.parse(done.from), Number(asked['days']) * 86_400_000)
  t.equal(done.rejection_rate, done.rejected / done.requests)
  t.equal(done.clients_affected_rate, done.clients_affected / done.clients)
  t.equal(sum(done.by_endpoint.map(({ requests }) => requests)), done.requests)
  t.equal(sum(done.by_endpoint.map(({ rejected }) => rejected)), done.rejected)
  t.ok(sum(done.worst_clients.map(({ rejected }) => rejected)) <= done.rejected)
  t.ok(done.worst_clients.length <= done.clients_affected)
  for (const { minute, requests, rejected } of done.worst_minutes) {
    t.ok(minute >= done.from && minute < done.to && rejected <= requests)
    t.ok(requests <= done.peak_offered.requests)
  }
})

t.test('the example clusters have details of each, which count its endpoints', async (t) => {
  const { clusters, details } = exampleOf<{
    clusters: Record<string, string[]>
    details: Record<string, { size: number }>
  }>('Clusters')
  t.same(Object.keys(details), Object.keys(clusters))
  for (const [name, { size }] of Object.entries(details)) t.equal(size, clusters[name]!.length)
})

t.test('the examples of a training are about the same model', async (t) => {
  interface Trained {
    samples: number
    version: string
    timestamp: string
    score_threshold: number
    requests: number
    endpoints: number
  }
  const { anomaly_detector: detector, rate_optimizer: optimizer } =
    exampleOf<Record<string, Trained>>('TrainResult')
  t.equal(detector!.samples, exampleOf<{ days: number }>('TrainBody').days * 1440)
  const [running, finished] = examplesOf<Record<string, number>>('TrainingJob')
  const { progress, elapsed_seconds: elapsed, estimated_seconds_left: left } = running!
  t.ok(Math.abs(left! - (elapsed! * (1 - progress!)) / progress!) < 1e-9)
  t.match(finished, {
    state: 'done',
    progress: 1,
    ended_at: detector!.timestamp,
    result: exampleOf('TrainResult') as object,
  })
  t.match(exampleOf('ModelInfo'), {
    anomaly_detector: {
      version: detector!.version,
      training_timestamp: detector!.timestamp,
      training_samples: detector!.samples,
      score_threshold: detector!.score_threshold,
    },
    rate_optimizer: { version: optimizer!.version, training_requests: optimizer!.requests },
  })
  const { rate_optimizer: info } =
    exampleOf<Record<string, { endpoint_count: number; endpoints: string[] }>>('ModelInfo')
  t.equal(info!.endpoint_count, info!.endpoints.length)
  t.equal(info!.endpoint_count, optimizer!.endpoints)
  for (const verdict of examplesOf<{ model_version: string }>('Verdict')) {
    t.equal(verdict.model_version, detector!.version)
  }
})

t.test('an example of an export counts its rows', async (t) => {
  const dataOf = (path: string) => {
    const { properties } =
      document.paths[path]!['get']!.responses['2XX']!.content!['application/json']!.schema!
    return properties!.data!.examples![0] as Record<string, unknown>
  }
  t.equal((dataOf('/export/training-data') as unknown as unknown[]).length, 1)
  const { profiles, count: endpoints } = dataOf('/export/endpoint-profiles')
  t.equal(endpoints, Object.keys(profiles as object).length)
  const bucket = exampleOf<Record<string, number>>('TrafficBucket')
  const { total_requests: total } = bucket
  const statuses = [2, 3, 4, 5].map((digit) => bucket[`status_${digit}xx`]!)
  t.equal(sum(statuses), total)
  t.equal(bucket['error_count'], statuses[2]! + statuses[3]!)
  t.equal(bucket['error_rate'], bucket['error_count']! / total!)
  t.equal(bucket['requests_per_second'], total! / 60)
})

t.test('a reader of the requests for limits finds an example of each kind', async (t) => {
  const bodies = (path: string) => {
    const { examples = {} } = document.paths[path]!['post']!.requestBody!.content['application/json']!
    return Object.values(examples).map(({ value }) => value)
  }
  t.match(bodies('/optimize'), [Object, { scope: 'gateway-client' }, { cost: 'latency_ms' }])
  t.match(bodies('/optimize/all'), [Object, { status: 'named', prefix: '/api/' }, { cost: 'latency_ms' }])
  t.match(bodies('/optimize/backtest'), [{ limit: 60 }, { wait: false }])
})

t.test('an example failure suits its status', async (t) => {
  for (const [name, { value }] of Object.entries(document.components.examples)) {
    const { code } = value as { code: string }
    const status = name.replace('Failure-', '')
    if (status !== 'default') t.equal(FAILURES[code as keyof typeof FAILURES], Number(status), name)
  }
})

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
