import { ENDPOINTS } from './limits.js'
import { SENSITIVITY_MAP } from './sensitivity.js'

const TRAINED_AT = '2026-01-31T03:00:00.000Z'
const VERSION = '20260131T030000000Z'
const DAYS = 14
const MINUTES_PER_DAY = 1440

export const TRAIN_BODY = { days: DAYS }

export const TRAINED_DETECTOR = {
  trained: true,
  samples: DAYS * MINUTES_PER_DAY,
  score_threshold: -0.52,
  timestamp: TRAINED_AT,
  version: VERSION,
  activated: true,
  refused: null,
  incident_minutes: 0,
  sensitivity: SENSITIVITY_MAP,
  warnings: [],
}

export const TRAINED_OPTIMIZER = {
  trained: true,
  endpoints: 3,
  timestamp: TRAINED_AT,
  version: VERSION,
  requests: 60_480_000,
  read_seconds: 41.2,
  incident_minutes: 0,
  warnings: [],
}

export const TRAIN_RESULT = { anomaly_detector: TRAINED_DETECTOR, rate_optimizer: TRAINED_OPTIMIZER }

const job = {
  id: '3f6c1d52-9c4e-4c0b-9c55-0d6f3b6f1c2a',
  started_at: '2026-01-31T02:58:40.000Z',
  stop_requested: false,
  request: TRAIN_BODY,
  error: null,
}

export const RUNNING_JOB = {
  ...job,
  state: 'running',
  stage: 'fitting',
  progress: 0.4,
  estimated_seconds_left: 48,
  elapsed_seconds: 32,
  ended_at: null,
  result: null,
}

export const FINISHED_JOB = {
  ...job,
  state: 'done',
  stage: 'publishing',
  progress: 1,
  estimated_seconds_left: null,
  elapsed_seconds: 80,
  ended_at: TRAINED_AT,
  result: TRAIN_RESULT,
}

const active = {
  loaded: true,
  trained: true,
  is_trained: true,
  version: VERSION,
  training_timestamp: TRAINED_AT,
}

export const TRAINING_STATUS = {
  training: false,
  started_at: null,
  job: null,
  anomaly_detector: { ...active, training_samples: TRAINED_DETECTOR.samples },
  rate_optimizer: {
    ...active,
    strategy: 'balanced',
    headroom_percent: 20,
    endpoint_count: ENDPOINTS.length,
    endpoints: ENDPOINTS,
  },
}

export const SYNTHETIC_BODY = { duration_hours: 168, base_rps: 50, anomaly_rate: 0.05, seed: 42 }

export const SYNTHETIC_RESULT = {
  generated: true,
  samples: 10_080,
  anomalies_injected: 504,
  file: 'synthetic_training_data.csv',
  seed: SYNTHETIC_BODY.seed,
}
