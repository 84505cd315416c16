export const INCIDENT_RECOMMENDATION = {
  ...{ endpoint: '/orders/{id}', tier: 'default', strategy: 'balanced' as const, scope: 'client' as const },
  ...{ current_limit: 300, state: 'named' as const, recommended_limit: 125, recommended_burst: 125 },
  ...{ unit: 'requests' as const, long_window: null, day_window: null, failures: null, distinct_paths: null },
  ...{ exceptions: [], confidence: 0.93, interval: null, burst_curve: [], client_peaks: null, clients: 1410 },
  ...{ runaway_clients: 1, runaway_names: ['user-17'] },
  reasoning:
    'One client caused most of the rise. 125 requests a minute for each client would have rejected 28,840 of its 30,000 requests. In the 7.0 days before, it would have rejected 31 of 402,100 requests of the other clients.',
  ...{ warnings: [], profile: null },
  backtest: {
    ...{ from: '2026-01-24T12:04:00.000Z', to: '2026-01-31T12:04:00.000Z' },
    ...{ requests: 402_100, rejected: 31, rejection_rate: 0.000077, clients: 1410, clients_affected: 2 },
  },
  summary: 'stops 96 % of this, touches 2 of 1,410 clients',
  caused_by: ['user-17'],
  caused: { requests: 30_000, rejected: 28_840, rejection_rate: 0.9613 },
}

export const INCIDENT_LIMITS = {
  as_of: '2026-01-31T12:30:00.000Z',
  limits: [{ endpoint: '/orders/{id}', tier: 'default', limit: 300, burst: 50, scope: 'client' as const }],
  ...{ requests: 31_200, rejected: 24_100, rejection_rate: 0.7724, clients: 212, clients_affected: 1 },
  is_complete: true,
}

export const TEMPORARY_LIMIT = {
  ...{ incident_id: '12', endpoint: '/orders/{id}', tier: 'default', limit: 125, burst: 125 },
  ...{ applied_at: '2026-01-31T12:10:00.000Z', applied_by: 'ada', expires_at: '2026-01-31T13:10:00.000Z' },
  ...{ ended_at: null, ended_by: null, outcome: null, instead_of: 300 },
}

export const APPLY_LIMIT_BODY = { by: 'ada', minutes: 60 }
