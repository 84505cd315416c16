import { Type, type Static } from '@sinclair/typebox'
import { nullable, oneOf, perFeature, ref, Timestamp } from './types.js'

const usualMinute = {
  requests_per_second: 50,
  avg_latency_ms: 45,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  error_rate: 0.01,
}

/** In any unit; models are trained on no larger values either. */
const LARGEST = 1e12

const amount = (description: string) => Type.Number({ minimum: 0, maximum: LARGEST, description })
const count = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: LARGEST, description }))

const sourceOf = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 128,
    format: 'printable',
    description: `${description} No control characters.`,
  })

export const Metrics = Type.Object(
  {
    requests_per_second: amount('Requests a second over the interval.'),
    avg_latency_ms: amount('Mean response time in milliseconds.'),
    p95_latency_ms: amount('95th percentile of the response time in milliseconds.'),
    p99_latency_ms: amount('99th percentile of the response time in milliseconds.'),
    error_rate: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Share of the requests answered with a status of 400 or above.',
    }),
    timestamp: Type.Optional({ ...Timestamp, description: 'When the interval began; now, when left out.' }),
    status_2xx: count('Requests answered with 2xx.'),
    status_4xx: count('Requests answered with 4xx.'),
    status_5xx: count('Requests answered with 5xx.'),
    total_requests: count('Requests in the interval; requests_per_second × interval_seconds, when left out.'),
    interval_seconds: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 86_400,
        description: 'Length of the interval; 60, when left out.',
      }),
    ),
    source: Type.Optional(
      sourceOf(
        'Which gateway or stream reports; "default", when left out. Each has a window of its own. Of no meaning where each interval is judged by itself.',
      ),
    ),
    traffic_only: Type.Optional(
      Type.Boolean({
        description:
          'True: only requests_per_second is judged. For intervals of so few requests that their latencies and error rate say nothing: these are still required (0 will do), but count neither as deviations nor in the trends. So silence is seen, and a single slow request is no alarm. False, when left out.',
      }),
    ),
  },
  { $id: 'Metrics', description: 'The traffic of one interval, usually a minute.', examples: [usualMinute] },
)

const Expected = Type.Object({
  value: Type.Number(),
  lower: Type.Number(),
  upper: Type.Number(),
})

const AnomalyType = oneOf([
  'traffic_spike',
  'traffic_drop',
  'latency_spike',
  'error_rate_spike',
  'pattern_anomaly',
  'multi_dimensional',
])
const Severity = oneOf(['low', 'medium', 'high', 'critical'])

export const Verdict = Type.Object(
  {
    anomaly: Type.Boolean(),
    score: Type.Number({
      description: "The forest's decision value alone: positive is normal, negative anomalous.",
    }),
    normalized_score: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'Strength of the whole verdict: 0.5 and above exactly when anomaly is true.',
    }),
    anomaly_type: nullable(AnomalyType, { description: 'Null when anomaly is false.' }),
    severity: nullable(Severity, {
      description:
        'Null when anomaly is false. By how far the deviation goes beyond the line where it matters (1.5, 2.5 and 4 times), and a step higher when it has lasted for half an hour.',
    }),
    confidence: Type.Number({ minimum: 0, maximum: 1, description: 'How certain the verdict is.' }),
    explanation: Type.String({
      description: 'The verdict in words, with the measured and the usual values.',
    }),
    features: perFeature(Type.Number(), { description: 'The values that were judged.' }),
    timestamp: Timestamp,
    expected: Type.Object(
      {
        requests_per_second: Expected,
        avg_latency_ms: Expected,
        p95_latency_ms: Expected,
        p99_latency_ms: Expected,
        error_rate: Expected,
      },
      { description: 'The usual value of each feature and the band in which it is not remarkable.' },
    ),
    contributions: perFeature(Type.Number({ minimum: 0, maximum: 1 }), {
      description: 'Share of each feature in the deviation; together 1, equal when nothing deviates.',
    }),
    streak: Type.Integer({ minimum: 0, description: 'Anomalous reports in a row, this one included.' }),
    confirmed: Type.Boolean({
      description:
        'The minute belongs to an alarm: one large deviation, two anomalous minutes in a row, or a small deviation that lasts. Always false where each interval is judged by itself.',
    }),
    model_version: Type.String({ description: 'The version of the model that judged.' }),
  },
  {
    $id: 'Verdict',
    description: 'Whether an interval is abnormal, and why.',
  },
)

const MAX_BATCH = 10_000

export const Batch = Type.Object(
  {
    metrics: Type.Array(ref(Metrics), { minItems: 1, maxItems: MAX_BATCH }),
    mode: Type.Optional(
      oneOf(['independent', 'replay'], {
        description: 'Each interval by itself (independent, when left out), or in order of time as a stream.',
      }),
    ),
  },
  { $id: 'Batch', examples: [{ metrics: [usualMinute, { ...usualMinute, requests_per_second: 500 }] }] },
)

const Episode = Type.Object({
  source: Type.String(),
  from: Timestamp,
  to: { ...Timestamp, description: 'The last report that belongs to it.' },
  type: AnomalyType,
  severity: Severity,
  explanation: Type.String({ description: 'Of its severest minute.' }),
})

export const BatchVerdict = Type.Object(
  {
    results: Type.Array(ref(Verdict), { description: 'A verdict for each interval, in their order.' }),
    summary: Type.Object({
      total: Type.Integer(),
      anomalies: Type.Integer(),
      anomaly_rate: Type.Number({ minimum: 0, maximum: 1 }),
    }),
    episodes: Type.Optional(
      Type.Array(Episode, { description: 'The alarms of a replay, in order of time.' }),
    ),
  },
  { $id: 'BatchVerdict' },
)

const Direction = oneOf(['increasing', 'decreasing', 'stable'])

export const TrendQuery = Type.Object({
  source: Type.Optional(sourceOf('Which stream; "default", when left out.')),
})

export const Trend = Type.Object(
  {
    window_size: Type.Integer({ minimum: 0, maximum: 60, description: 'Reports in the window.' }),
    anomaly_streak: Type.Integer({ minimum: 0 }),
    rps_trend: Direction,
    latency_trend: Direction,
    error_trend: Direction,
    recent_anomaly_rate: Type.Number({ minimum: 0, maximum: 1, description: 'Share of the window.' }),
    status: oneOf(['ok', 'insufficient_data'], {
      description: 'insufficient_data below ten reports: every trend is then "stable".',
    }),
  },
  { $id: 'Trend', description: 'Where the last reports of a source are heading.' },
)

export type VerdictData = Static<typeof Verdict>
