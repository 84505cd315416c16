import { Type, type Static } from '@sinclair/typebox'
import { BATCH, BATCH_VERDICT, METRICS, TREND, VERDICTS } from './examples/detection.js'
import { count, nullable, oneOf, perFeature, ref, share, Timestamp, timestamp } from './types.js'

/** Models are trained on no larger values either, in any unit. */
const MAX_VALUE = 1e12

const measured = (description: string) => Type.Number({ minimum: 0, maximum: MAX_VALUE, description })
const counted = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_VALUE, description }))

const sourceOf = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 128,
    format: 'printable',
    description: `${description} It has 1 to 128 characters and no control characters. Default: "default".`,
  })

const latencies = {
  avg_latency_ms: measured('Mean response time in milliseconds.'),
  p95_latency_ms: measured('95th percentile of the response time, in milliseconds.'),
  p99_latency_ms: measured('99th percentile of the response time, in milliseconds.'),
}

/** Names that gateways send beside those of the schema. */
const METRIC_ALIASES = {
  avg_latency: 'avg_latency_ms',
  p95_latency: 'p95_latency_ms',
  p99_latency: 'p99_latency_ms',
  status2xx: 'status_2xx',
  status4xx: 'status_4xx',
  status5xx: 'status_5xx',
}

export const Metrics = Type.Object(
  {
    requests_per_second: measured('Requests per second, averaged over the interval.'),
    ...latencies,
    error_rate: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description:
          'Share of requests with a status of 400 or above, 0 to 1. Without it, the share is computed from status_4xx and status_5xx, or counts as 0 with a warning.',
      }),
    ),
    timestamp: Type.Optional(timestamp('Start of the interval. Default: now.')),
    status_2xx: counted('Number of responses with a 2xx status.'),
    status_4xx: counted('Number of responses with a 4xx status.'),
    status_5xx: counted('Number of responses with a 5xx status.'),
    total_requests: counted(
      'Number of requests in the interval. Default: requests_per_second × interval_seconds.',
    ),
    interval_seconds: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 86_400,
        description:
          'Length of the interval in seconds. Shorter intervals than those of the model are merged until they make one; longer ones are judged as they are. Default: that of the model, usually 60.',
      }),
    ),
    source: Type.Optional(
      sourceOf(
        'Name of the gateway or stream. Each source has its own sliding window. Independent batches ignore it.',
      ),
    ),
    traffic_only: Type.Optional(
      Type.Boolean({
        description:
          'If true, only requests_per_second is judged. Use it for intervals with too few requests for meaningful latencies. The other features are still required (send 0), but they affect neither the verdict nor the trends. Default: false.',
      }),
    ),
  },
  {
    $id: 'Metrics',
    description: 'The traffic of one interval, usually one minute.',
    'x-aliases': METRIC_ALIASES,
    examples: METRICS,
  },
)

export const PastMetrics = Type.Object(
  {
    ...Metrics.properties,
    avg_latency_ms: Type.Optional(latencies.avg_latency_ms),
    p95_latency_ms: Type.Optional(latencies.p95_latency_ms),
    p99_latency_ms: Type.Optional(latencies.p99_latency_ms),
  },
  {
    $id: 'PastMetrics',
    description:
      'One interval of a batch. Without all three latencies, only requests_per_second is judged, with a warning.',
    'x-aliases': METRIC_ALIASES,
    examples: METRICS,
  },
)

const Expected = Type.Object(
  {
    value: Type.Number({ description: 'The usual value, in the unit of the feature.' }),
    lower: Type.Number({ description: 'Lower end of the normal range, in the unit of the feature.' }),
    upper: Type.Number({ description: 'Upper end of the normal range, in the unit of the feature.' }),
  },
  { description: 'The usual value of this feature and its normal range.' },
)

export const AnomalyType = (options: object = {}) =>
  oneOf(
    [
      'traffic_spike',
      'traffic_drop',
      'latency_spike',
      'error_rate_spike',
      'pattern_anomaly',
      'multi_dimensional',
    ],
    options,
  )
export const Severity = (options: object = {}) => oneOf(['low', 'medium', 'high', 'critical'], options)

const verdict = {
  anomaly: Type.Boolean({ description: 'True if the interval is anomalous.' }),
  score: Type.Number({
    description:
      'Decision value of the isolation forest alone. Positive is normal, negative is anomalous. It never decides by itself.',
  }),
  normalized_score: share(
    'Strength of the whole verdict, 0 to 1. It is 0.5 or above exactly when anomaly is true.',
  ),
  anomaly_type: nullable(AnomalyType(), {
    description: 'The kind of anomaly. Null when anomaly is false.',
  }),
  severity: nullable(Severity(), {
    description:
      'The share of the requests that is harmed for two reports in a row: that fail, are several times slower, or are missing, more than usual. Medium from 2 %, high from 10 %, critical from 30 %. The first report of an alarm is rated one level lower. An alarm of 30 minutes is rated one level higher. Null when anomaly is false.',
  }),
  confidence: share('Certainty of the verdict, 0 to 1.'),
  explanation: Type.String({
    description: 'The verdict in words, with the measured and the expected values.',
  }),
  features: perFeature(Type.Number(), { description: 'The judged values, in the units of the request.' }),
  timestamp: timestamp('Start of the judged interval.'),
  expected: Type.Object(
    {
      requests_per_second: Expected,
      avg_latency_ms: Expected,
      p95_latency_ms: Expected,
      p99_latency_ms: Expected,
      error_rate: Expected,
    },
    { description: 'The usual value and the normal range of each feature at this time.' },
  ),
  contributions: perFeature(Type.Number({ minimum: 0, maximum: 1 }), {
    description:
      'Share of each feature in the deviation, 0 to 1. The shares sum to 1. They are equal when nothing deviates.',
  }),
  streak: count('Number of consecutive anomalous reports of this source, including this one.'),
  confirmed: Type.Boolean({
    description:
      'True if the interval belongs to an alarm: one large deviation, two anomalous minutes in a row, a third anomalous minute within a short time, or a small deviation that persists. Always false in an independent batch.',
  }),
  model_version: Type.String({ description: 'Version of the model that made the verdict.' }),
}

export const Verdict = Type.Object(
  {
    ...verdict,
    alarm_since: Type.Optional(
      nullable(Timestamp, {
        description:
          'The first report of the alarm that goes on, also while up to five reports in a row are normal. Null outside of an alarm.',
      }),
    ),
    incident_id: Type.Optional(
      Type.String({
        description:
          'Id of the incident of this source that goes on, where one is known. It is made a moment after the first report of an alarm, so later reports have it.',
      }),
    ),
  },
  {
    $id: 'Verdict',
    description: 'Whether an interval is anomalous, and why.',
    examples: VERDICTS,
  },
)

const MAX_BATCH = 10_000

export const Batch = Type.Object(
  {
    metrics: Type.Array(ref(PastMetrics), {
      minItems: 0,
      maxItems: MAX_BATCH,
      description: 'The intervals to judge, at most 10,000.',
    }),
    mode: Type.Optional(
      oneOf(['independent', 'replay'], {
        description:
          'independent: each interval is judged on its own. replay: the intervals are judged in order of time, as a stream. Default: independent.',
      }),
    ),
  },
  { $id: 'Batch', description: 'Intervals to judge in one request.', examples: [BATCH] },
)

export const BatchResult = Type.Object(
  {
    ...verdict,
    is_anomaly: Type.Boolean({ description: 'Equal to anomaly: its name in batches of the old service.' }),
  },
  {
    $id: 'BatchResult',
    description: 'The verdict on an interval of a batch.',
    examples: BATCH_VERDICT.results,
  },
)

const Episode = Type.Object({
  source: Type.String({ description: 'The source of the reports.' }),
  from: timestamp('The first report of the alarm.'),
  to: timestamp('The last report of the alarm.'),
  type: AnomalyType({ description: 'The kind of anomaly.' }),
  severity: Severity({ description: 'The highest severity within the alarm.' }),
  explanation: Type.String({
    description:
      'The explanation of the most severe minute; of the latest one if the deviation comes and goes.',
  }),
})

export const BatchVerdict = Type.Object(
  {
    results: Type.Array(ref(BatchResult), {
      description: 'One verdict for each interval, in the order of the request.',
    }),
    summary: Type.Object(
      {
        total: Type.Integer({ description: 'Number of judged intervals.' }),
        anomalies: Type.Integer({ description: 'Number of anomalous intervals.' }),
        anomaly_rate: share('anomalies / total, 0 to 1.'),
      },
      { description: 'The batch in numbers.' },
    ),
    episodes: Type.Optional(
      Type.Array(Episode, {
        description: 'The alarms of a replay, in order of time. Only with mode replay.',
      }),
    ),
  },
  { $id: 'BatchVerdict', description: 'The verdicts of a batch.', examples: [BATCH_VERDICT] },
)

const Direction = (description: string) => oneOf(['increasing', 'decreasing', 'stable'], { description })

export const TrendQuery = Type.Object({
  source: Type.Optional(sourceOf('Name of the gateway or stream.')),
})

export const Trend = Type.Object(
  {
    window_size: Type.Integer({
      minimum: 0,
      maximum: 60,
      description: 'Number of reports in the sliding window, at most 60.',
    }),
    anomaly_streak: count('Number of consecutive anomalous reports, up to the newest one.'),
    rps_trend: Direction('Direction of the requests per second.'),
    latency_trend: Direction('Direction of the mean latency.'),
    error_trend: Direction('Direction of the error rate.'),
    recent_anomaly_rate: share('Share of anomalous reports in the window, 0 to 1.'),
    status: oneOf(['ok', 'insufficient_data'], {
      description: 'insufficient_data: the window has fewer than ten reports, and every trend is stable.',
    }),
    trend: oneOf(['ok', 'insufficient_data'], {
      description: 'Equal to status: its name in the old service.',
    }),
  },
  { $id: 'Trend', description: 'The direction of the recent reports of a source.', examples: [TREND] },
)

export type VerdictData = Static<typeof Verdict>
export type MetricsData = Static<typeof Metrics>
export type PastMetricsData = Static<typeof PastMetrics>
