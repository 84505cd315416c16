export const INCIDENT = {
  id: '12',
  state: 'acknowledged' as const,
  source: 'default',
  type: 'latency_spike' as const,
  severity: 'medium' as const,
  started_at: '2026-01-31T12:04:00.000Z',
  ended_at: null,
  explanation:
    'Mean latency 182 ms (4 times the usual), expected 38–61 ms for Saturday 12:06; 74 % of the score.',
  endpoints: [
    { endpoint: 'GET /orders/{id}', share: 0.92, started_at: '2026-01-31T12:04:00.000Z' },
    { endpoint: 'POST /orders', share: 0.08, started_at: '2026-01-31T12:06:00.000Z' },
  ],
  clients: [{ client: 'user-17', requests: 900, share: 0.25 }],
  impact: { requests: 3600, failed: 12, slow: 2900, clients: 212 },
  change: { kind: 'deployment', at: '2026-01-31T12:02:00.000Z', detail: 'orders 1.4.2' },
  recommendation: null,
}

const FAILED = {
  at: '2026-01-31T12:04:11.000Z',
  method: 'GET',
  path: '/orders/42',
  status: 504,
  latency_ms: 30_000,
  client: 'user-17',
}

export const INCIDENT_DETAIL = {
  ...INCIDENT,
  peak: { severity: 'high' as const, at: '2026-01-31T12:09:00.000Z' },
  traffic: { missing: 0, excess: 0 },
  samples: { first: [FAILED], last: [FAILED] },
  acknowledged_at: '2026-01-31T12:10:00.000Z',
  acknowledged_by: 'ada',
  resolved_at: null,
  resolved_by: null,
  limits: null,
  applied: null,
  timeline: [
    {
      ...{ at: '2026-01-31T12:04:00.000Z', kind: 'opened' as const, by: null, note: null },
      detail: { severity: 'medium', type: 'latency_spike' },
    },
    {
      ...{ at: '2026-01-31T12:10:00.000Z', kind: 'acknowledged' as const, by: 'ada', note: 'looking at it' },
      detail: null,
    },
  ],
}

export const MARK_BODY = { by: 'ada', note: 'looking at it' }

export const SCAN_BODY = { days: 14 }

export const SCANNED = {
  incidents: [
    {
      ...INCIDENT,
      ...{ id: 'scan-1', state: 'resolved' as const, ended_at: '2026-01-31T12:21:00.000Z' },
      ...{ endpoints: [], clients: [], change: null, impact: { ...INCIDENT.impact, clients: null } },
    },
  ],
  from: '2026-01-18T00:00:00.000Z',
  to: '2026-02-01T00:00:00.000Z',
  minutes: 20_160,
  model_version: '20260131T120000000Z',
}

export const RUNNING_SCAN = {
  id: '4c1a5e0f-8d5b-4a36-9b0c-64f0a9c1de27',
  state: 'running' as const,
  stage: 'replaying' as const,
  progress: 0.5,
  estimated_seconds_left: 2,
  elapsed_seconds: 2,
  started_at: '2026-02-01T00:00:10.000Z',
  ended_at: null,
  stop_requested: false,
  request: SCAN_BODY,
  result: null,
  error: null,
}

export const SOURCES = {
  sources: [
    {
      ...{ kind: 'gateway' as const, source: 'default', endpoint: null, status: 'normal' as const },
      ...{ last_report: '2026-01-31T12:00:00.000Z', open_incident: null, model: null },
    },
    {
      ...{ kind: 'source' as const, source: 'gateway-1', endpoint: null, status: 'alarm' as const },
      ...{ last_report: '2026-01-31T12:00:00.000Z', open_incident: '12', model: 'known' },
    },
  ],
  total: 2,
  limit: 1000,
  offset: 0,
  watcher: {
    state: 'watching',
    reason: null,
    judged_to: '2026-01-31T12:16:00.000Z',
    delay_seconds: 5,
    endpoints: 31,
    model: '20260131T031400123Z',
  },
  lost_minutes: 0,
}

const band = (value: number, expected: number, lower: number, upper: number) => ({
  ...{ value, expected, lower, upper },
})

export const TIMELINE = {
  ...{ kind: 'gateway' as const, source: 'default', endpoint: null, step: '1m' as const },
  from: '2026-01-31T12:04:00.000Z',
  to: '2026-01-31T12:05:00.000Z',
  points: [
    {
      at: '2026-01-31T12:04:00.000Z',
      requests_per_second: band(60, 62.4, 40, 97.8),
      avg_latency_ms: band(182, 45.6, 38, 61),
      p95_latency_ms: band(364, 91, 70, 122),
      p99_latency_ms: band(546, 137, 99, 190),
      error_rate: band(0.01, 0.01, 0, 0.025),
      verdict: { anomaly: true, type: 'latency_spike' as const, severity: 'medium' as const },
    },
  ],
}
