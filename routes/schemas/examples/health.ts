const model = { loaded: true, trained: true, version: '20260131T030000000Z' }

export const HEALTH = {
  status: 'healthy',
  service: 'aegis-ml',
  version: '0.1.0',
  timestamp: '2026-01-31T12:00:00.000Z',
  uptime_seconds: 86_400,
  models: { anomaly_detector: model, rate_optimizer: model },
  database: 'connected',
  database_mode: 'server',
  traffic_database: null,
  problems: [],
}
