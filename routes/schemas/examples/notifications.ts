export const NOTIFICATION = {
  id: '31',
  message_id: 'msg_0b6c9d6e6f0d4a53a1c0f0c4b1a2d3e4',
  channel: 'webhook:hooks.example.com:3f2a9c1b',
  incident_id: '12',
  event: 'started' as const,
  state: 'pending' as const,
  attempts: 2,
  created_at: '2026-01-31T12:06:02.000Z',
  next_attempt_at: '2026-01-31T12:06:19.000Z',
  delivered_at: null,
  problem: 'it answered 503',
}

export const CHANNEL = {
  channel: 'webhook:hooks.example.com:3f2a9c1b',
  configured: true,
  ...{ pending: 1, active: 0, delivered: 17, failed: 0, dropped: 0, silenced: 2 },
}

export const TEST_ANSWER = {
  channel: 'webhook:hooks.example.com:3f2a9c1b',
  ...{ delivered: false, status: 503, problem: 'it answered 503' },
}

export const NEW_SILENCE = {
  endpoint: 'GET /reports/*',
  recurring: { days: ['mon' as const], start: '22:00', end: '02:00' },
  reason: 'weekly reports',
  created_by: 'ada',
}

export const SILENCE = {
  ...{ id: '3', source: null, endpoint: 'GET /reports/*', type: null },
  ...{ from: '2026-01-31T12:00:00.000Z', to: null },
  recurring: NEW_SILENCE.recurring,
  ...{ reason: 'weekly reports', created_by: 'ada', in_force: false },
  ...{ created_at: '2026-01-31T12:00:00.000Z', updated_at: '2026-01-31T12:00:00.000Z' },
}

export const NEW_DEPLOYMENT = { endpoint: '/orders/*', version: '1.4.2' }

export const DEPLOYMENT = {
  ...{ id: '8', source: null, endpoint: '/orders/*', version: '1.4.2' },
  ...{ at: '2026-01-31T12:02:00.000Z', created_at: '2026-01-31T12:02:03.000Z' },
}
