import t from 'tap'
import type { RateLimitEntry } from '../../../formats/limit-files/limit-entry.js'
import { withTemporaryLimits } from '../../../plugins/optimization/temporary-limits.js'

const entry = (endpoint: string, changes: Partial<RateLimitEntry> = {}): RateLimitEntry => ({
  ...{ endpoint, method: null, path: endpoint, scope: 'client', limit: 300, burst: 50 },
  ...{ longWindow: null, dayWindow: null, exceptions: [], failures: null, distinctPaths: null },
  ...changes,
})

t.test('an exported limit is as strict as the temporary one of its endpoint and tier', (t) => {
  const limits = [
    { endpoint: '/a', tier: 'Default', limit: 60, burst: 60 },
    { endpoint: '/b', tier: 'gold', limit: 60, burst: 60 },
    { endpoint: '/c', tier: 'default', limit: 900, burst: 20 },
  ]
  const costs = { weights: new Map(), defaultWeight: 1 }
  const entries = [
    ...[entry('/a'), entry('GET /a'), entry('/b'), entry('/c')],
    ...[entry('/a', { scope: 'endpoint' }), entry('/a', { costs })],
  ]
  t.same(
    withTemporaryLimits(entries, limits, 'default').map(({ limit, burst }) => [limit, burst]),
    [[60, 50], [60, 50], [300, 50], [300, 20], [300, 50], [300, 50]], // prettier-ignore
  )
  t.end()
})
