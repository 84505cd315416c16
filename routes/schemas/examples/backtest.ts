import { ENDPOINTS, PROFILE } from './limits.js'

const endpoint = ENDPOINTS[0]!

const BACKTEST_BODY = { endpoint, scope: 'client', limit: 60, burst: 20, days: 7 }
/** A limit, and all the recommended ones in the background. */
export const BACKTEST_BODIES = [BACKTEST_BODY, { scope: 'gateway-client', days: 7, wait: false }]

const requests = 1_512_000
const rejected = 756
const clients = 1600
const clientsAffected = 40
const busiest = {
  minute: '2026-01-28T14:07:00.000Z',
  requests: PROFILE.peak_requests_per_minute,
  rejected: 96,
}
const second = { minute: '2026-01-30T13:52:00.000Z', requests: 402, rejected: 71 }

export const BACKTEST = {
  endpoint,
  scope: BACKTEST_BODY.scope,
  algorithm: 'token_bucket',
  rule: {
    limit: BACKTEST_BODY.limit,
    burst: BACKTEST_BODY.burst,
    window_seconds: 60,
    long_window: null,
  },
  from: '2026-01-24T12:00:00.000Z',
  to: '2026-01-31T12:00:00.000Z',
  requests,
  rejected,
  rejection_rate: rejected / requests,
  rejected_by_long_window: 0,
  by_limit: [{ scope: BACKTEST_BODY.scope, limit: 'limit', rejected, clients: clientsAffected }],
  clients,
  clients_affected: clientsAffected,
  clients_affected_rate: clientsAffected / clients,
  worst_minutes: [busiest, second],
  worst_clients: [
    { client: 'user-17', requests: 9210, rejected: 512 },
    { client: '203.0.113.7', requests: 4133, rejected: 101 },
  ],
  by_tier: [],
  by_endpoint: [{ endpoint, requests, rejected }],
  peak_offered: busiest,
  peak_admitted: second,
  unattributed: 0,
  seconds: 6.2,
}

export const RUNNING_BACKTEST = {
  id: '0b6a1de4-6a3e-4c0b-8f0e-3d1c4f2f7a55',
  state: 'running',
  stage: 'replaying',
  progress: 0.4,
  estimated_seconds_left: 3,
  elapsed_seconds: 2,
  started_at: '2026-01-31T12:00:02.000Z',
  ended_at: null,
  stop_requested: false,
  request: BACKTEST_BODY,
  result: null,
  error: null,
}
