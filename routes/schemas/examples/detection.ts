const MODEL_VERSION = '20260131T030000000Z'

const usualValues = {
  requests_per_second: 50,
  avg_latency_ms: 45,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  error_rate: 0.01,
}
const spikeValues = {
  requests_per_second: 250,
  avg_latency_ms: 52,
  p95_latency_ms: 104,
  p99_latency_ms: 160,
  error_rate: 0.011,
}

const usual = { ...usualValues, timestamp: '2026-01-31T11:59:00.000Z', source: 'gateway-1' }
const spike = { ...spikeValues, timestamp: '2026-01-31T12:00:00.000Z', source: 'gateway-1' }

const expected = {
  requests_per_second: { value: 51.3, lower: 19.1, upper: 91.7 },
  avg_latency_ms: { value: 45.8, lower: 29.3, upper: 71.6 },
  p95_latency_ms: { value: 90.1, lower: 57.7, upper: 144.3 },
  p99_latency_ms: { value: 136.8, lower: 87.6, upper: 230.4 },
  error_rate: { value: 0.01, lower: 0, upper: 0.04 },
}

const usualVerdict = {
  anomaly: false,
  score: 0.116,
  normalized_score: 0,
  anomaly_type: null,
  severity: null,
  confidence: 0.994,
  explanation: 'Traffic patterns are within normal parameters.',
  features: usualValues,
  timestamp: usual.timestamp,
  expected,
  contributions: {
    requests_per_second: 0.2,
    avg_latency_ms: 0.2,
    p95_latency_ms: 0.2,
    p99_latency_ms: 0.2,
    error_rate: 0.2,
  },
  streak: 0,
  confirmed: false,
  model_version: MODEL_VERSION,
}

const spikeVerdict = {
  anomaly: true,
  score: -0.153,
  normalized_score: 0.928,
  anomaly_type: 'traffic_spike',
  severity: 'high',
  confidence: 0.98,
  explanation:
    'Traffic 250 requests/s (4.9 times the usual), expected 19.1–91.7 requests/s for Saturday 12:00; 88 % of the score.',
  features: spikeValues,
  timestamp: spike.timestamp,
  expected,
  contributions: {
    requests_per_second: 0.88,
    avg_latency_ms: 0.064,
    p95_latency_ms: 0.029,
    p99_latency_ms: 0.027,
    error_rate: 0,
  },
  streak: 1,
  confirmed: true,
  model_version: MODEL_VERSION,
}

/** A minute, and what is answered about it. */
export const METRICS = [spike, usual]
export const VERDICTS = [
  { ...spikeVerdict, streak: 2, alarm_since: '2026-01-31T11:59:00.000Z', incident_id: '12' },
  { ...usualVerdict, alarm_since: null },
]

export const BATCH = { metrics: [usual, spike], mode: 'replay' }
export const BATCH_VERDICT = {
  results: [usualVerdict, spikeVerdict].map((verdict) => ({ ...verdict, is_anomaly: verdict.anomaly })),
  summary: { total: 2, anomalies: 1, anomaly_rate: 0.5 },
  episodes: [
    {
      source: spike.source,
      from: spike.timestamp,
      to: spike.timestamp,
      type: spikeVerdict.anomaly_type,
      severity: spikeVerdict.severity,
      explanation: spikeVerdict.explanation,
    },
  ],
}

export const TREND = {
  window_size: 60,
  anomaly_streak: 3,
  rps_trend: 'increasing',
  latency_trend: 'stable',
  error_trend: 'stable',
  recent_anomaly_rate: 0.05,
  status: 'ok',
  trend: 'ok',
}
