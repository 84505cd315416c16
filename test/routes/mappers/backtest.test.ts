import t from 'tap'
import { NOBODY, Replay } from '../../../models/rate-limit/replay/replay.js'
import { fromBacktestBody, toBacktest } from '../../../routes/mappers/backtest.js'

t.test('a body has the same meaning inside', async (t) => {
  const long_window = { seconds: 3600, limit: 60 }
  t.match(fromBacktestBody({ limit: 5, window_seconds: 10, long_window, by_method: true, days: 2 }), {
    ...{ limit: 5, windowSeconds: 10, longWindow: long_window, byMethod: true, days: 2 },
  })
})

t.test('an outcome is answered in the names of HTTP, whole', async (t) => {
  const from = new Date('2026-01-05T00:00:00Z')
  const to = new Date('2026-01-06T00:00:00Z')
  const rule = { limit: 1, burst: 1, windowMs: 60_000, longWindow: { limit: 9, windowMs: 3_600_000 } }
  const replay = new Replay({ rules: [null, rule], algorithm: 'token_bucket', scope: 'client' })
  replay.push({
    length: 4,
    timeMs: Float64Array.from([0, 1, 2, 3], (ms) => from.getTime() + ms),
    client: Uint32Array.from([0, 0, 1, NOBODY]),
    endpoint: Uint32Array.from([1, 1, 1, 1]),
    tier: Uint8Array.from([1, 1, 0, 0]),
  })
  const names = { clients: ['ann', 'bob'], endpoints: ['', '/a'], tiers: ['', 'free'] }
  const plan = {
    from,
    to,
    endpoint: '/a',
    rules: rule,
    byMethod: false,
    scope: 'client',
    algorithm: 'token_bucket',
  }
  const outcome = { report: replay.report(), names, plan, rule, seconds: 0.5 }
  const minute = { minute: '2026-01-05T00:00:00.000Z', requests: 4, rejected: 1 }
  t.strictSame(toBacktest(outcome as unknown as Parameters<typeof toBacktest>[0]), {
    ...{ endpoint: '/a', scope: 'client', algorithm: 'token_bucket' },
    rule: {
      limit: 1,
      burst: 1,
      window_seconds: 60,
      long_window: { seconds: 3600, limit: 9 },
      day_window: null,
      ...{ failures: null, distinct_paths: null, unit: 'requests' },
    },
    ...{ from: '2026-01-05T00:00:00.000Z', to: '2026-01-06T00:00:00.000Z', requests: 4, rejected: 1 },
    ...{ rejection_rate: 0.25, rejected_by_gateway: 0, rejected_by_long_window: 0 },
    by_limit: [
      { scope: 'client', limit: 'long_window', rejected: 0, clients: 0 },
      { scope: 'client', limit: 'limit', rejected: 1, clients: 1 },
    ],
    ...{ clients: 2, clients_affected: 1, clients_affected_rate: 0.5, worst_minutes: [minute] },
    worst_clients: [{ client: 'ann', requests: 2, rejected: 1 }],
    by_tier: [{ tier: 'free', requests: 2, rejected: 1 }],
    by_endpoint: [{ endpoint: '/a', requests: 4, rejected: 1 }],
    ...{ peak_offered: minute, peak_admitted: minute, unattributed: 1, seconds: 0.5 },
  })
})
