const WHAT = {
  hours: [11, 12, 13],
  time_zone: 'UTC',
  deviations: [
    {
      ...{ source: 'default', endpoint: 'GET /orders/{id}', types: ['latency_spike' as const] },
      sizes: { traffic_spike: 0, traffic_drop: 0.04, latency_spike: 3, error_rate_spike: 0.001 },
      up_to: { traffic_spike: 0.25, traffic_drop: 0.25, latency_spike: 4.5, error_rate_spike: 0.015 },
    },
  ],
  expires_at: '2026-03-02T12:10:00.000Z',
}

export const FEEDBACK = {
  ...{ id: '3', incident_id: '12', source: 'default', type: 'latency_spike' as const },
  ...{ state: 'active' as const, created_at: '2026-01-31T12:10:00.000Z', created_by: 'ada' },
  note: 'the monthly report',
  ...WHAT,
  ...{ ended_at: null, ended_because: null },
}

export const FEEDBACK_PREVIEW = {
  summary: 'Would have muted 3 of the last 40 incidents, none of those acknowledged.',
  ...{ compared: 40, muted: ['11', '9', '4'], acknowledged: [] },
  ...WHAT,
}
