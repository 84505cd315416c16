import { TRAINED_DETECTOR, TRAINED_OPTIMIZER } from './training.js'
import { ENDPOINTS } from './limits.js'

const baseline = (values: readonly number[]) => {
  const [mean, std, median, q25, q75, iqr, min, max] = values
  return { mean, std, median, q25, q75, iqr, min, max }
}

const byWeek = { rhythm: 'week', minute_of_hour: false, sharp_minutes: 0, weekly_quarters: 0 }

const detector = {
  is_trained: true,
  version: TRAINED_DETECTOR.version,
  training_timestamp: TRAINED_DETECTOR.timestamp,
  training_samples: TRAINED_DETECTOR.samples,
  interval_seconds: 60,
  contamination: 0.1,
  n_estimators: 100,
  score_threshold: TRAINED_DETECTOR.score_threshold,
  feature_names: ['requests_per_second', 'avg_latency_ms', 'p95_latency_ms', 'p99_latency_ms', 'error_rate'],
  baselines: {
    requests_per_second: baseline([50.2, 36.9, 45.6, 35.6, 58, 22.4, 1.1, 682]),
    avg_latency_ms: baseline([47.8, 26.2, 44.4, 42.1, 46.9, 4.8, 28.7, 373]),
    p95_latency_ms: baseline([95.9, 52.6, 88.9, 83.5, 94.8, 11.3, 55, 765]),
    p99_latency_ms: baseline([144, 79.8, 134, 124.6, 144.1, 19.5, 79.1, 1226]),
    error_rate: baseline([0.016, 0.048, 0.01, 0.009, 0.012, 0.003, 0.005, 0.594]),
  },
  time_zone: 'UTC',
  rhythms: {
    requests_per_second: byWeek,
    avg_latency_ms: byWeek,
    p95_latency_ms: byWeek,
    p99_latency_ms: byWeek,
    error_rate: { ...byWeek, rhythm: 'none' },
  },
  min_effects: { traffic: 0.25, latency: 0.25, latency_ms: 5, error_rate: 0.015, requests: 10 },
  drift: {
    minutes: 720,
    features: {
      requests_per_second: 0.03,
      avg_latency_ms: 0.05,
      p95_latency_ms: 0.04,
      p99_latency_ms: 0.06,
      error_rate: 0.02,
    },
    retrain: false,
  },
  engine: {
    name: 'kernel',
    backend: 'javascript',
    reason: 'The kernel is the fastest engine where @tensorflow/tfjs-node does not load.',
  },
}

const optimizer = {
  is_trained: true,
  version: TRAINED_OPTIMIZER.version,
  training_timestamp: TRAINED_OPTIMIZER.timestamp,
  training_requests: TRAINED_OPTIMIZER.requests,
  strategy: 'balanced',
  headroom_percent: 20,
  endpoint_count: ENDPOINTS.length,
  endpoints: ENDPOINTS,
}

const automatic = {
  every_seconds: 86_400,
  next_at: '2026-02-01T03:17:00.000Z',
  paused_because: null,
  last: {
    ended_at: TRAINED_DETECTOR.timestamp,
    outcome: 'activated',
    reason: null,
    version: TRAINED_DETECTOR.version,
    job: '3f6c1d52-9c4e-4c0b-9c55-0d6f3b6f1c2a',
  },
}

export const MODEL_INFO = {
  automatic_training: automatic,
  anomaly_detector: detector,
  rate_optimizer: optimizer,
}

const stored = {
  active: true,
  automatic: false,
  refused: null,
  trained_at: TRAINED_DETECTOR.timestamp,
  source: 'request_logs',
  from: '2026-01-17T03:00:00.000Z',
  to: '2026-01-31T03:00:00.000Z',
  exclude: [],
  duration_seconds: 80,
}

export const MODEL_VERSIONS = {
  anomaly_detector: [
    {
      ...stored,
      version: TRAINED_DETECTOR.version,
      training_samples: TRAINED_DETECTOR.samples,
      parameters: { seed: 1, max_samples: 256, n_estimators: 100, contamination: 0.1 },
      metrics: { anomaly_share: 0.04, score_threshold: TRAINED_DETECTOR.score_threshold },
      size_bytes: 257_353,
    },
  ],
  rate_optimizer: [
    {
      ...stored,
      version: TRAINED_OPTIMIZER.version,
      training_samples: TRAINED_OPTIMIZER.requests,
      parameters: { seed: 1 },
      metrics: {
        endpoints: TRAINED_OPTIMIZER.endpoints,
        read_seconds: TRAINED_OPTIMIZER.read_seconds,
        requests_read: TRAINED_OPTIMIZER.requests,
      },
      size_bytes: 31_102,
    },
  ],
}

export const ACTIVATE_BODY = { model: 'anomaly', version: TRAINED_DETECTOR.version }
export const ACTIVATE_RESULT = { activated: true, ...ACTIVATE_BODY }

const loaded = { loaded: true, trained: true }
export const LOAD_RESULT = {
  anomaly_detector: { ...loaded, version: TRAINED_DETECTOR.version },
  rate_optimizer: { ...loaded, version: TRAINED_OPTIMIZER.version },
}
