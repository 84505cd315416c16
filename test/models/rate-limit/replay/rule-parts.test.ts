import t from 'tap'
import fc from '../../../properties.js'
import { DistinctWindows } from '../../../../models/rate-limit/replay/distinct-windows.js'
import { Replay, type ReplayOptions } from '../../../../models/rate-limit/replay/replay.js'

const START = 1_700_000_040_000 // a whole minute
const wide = { limit: 1000, burst: 1000, windowMs: 60_000 }

interface Row {
  readonly ms?: number
  readonly client?: number
  readonly endpoint?: number
  readonly status?: number
  readonly path?: number
}

function replayed(rows: readonly Row[], options: Partial<ReplayOptions>) {
  const replay = new Replay({ rules: [null], algorithm: 'token_bucket', scope: 'client', ...options })
  replay.push({
    length: rows.length,
    timeMs: Float64Array.from(rows, ({ ms = 0 }) => START + ms),
    client: Uint32Array.from(rows, ({ client = 0 }) => client),
    endpoint: Uint32Array.from(rows, ({ endpoint = 0 }) => endpoint),
    tier: new Uint8Array(rows.length),
    status: Uint16Array.from(rows, ({ status = 200 }) => status),
    path: Uint32Array.from(rows, ({ path = 0 }) => path),
  })
  return replay.report()
}

const times = <T>(count: number, row: T): T[] => Array<T>(count).fill(row)

t.test('who has had its failures is rejected until the window ends; others are not', async (t) => {
  const gateway = { ...wide, failures: { limit: 3, windowMs: 60_000 } }
  const guess = { status: 401 }
  const found = replayed(
    [
      ...[...times(5, guess), {}, { client: 1 }, { client: 1, status: 404 }],
      ...[{ ms: 60_000 }, { ms: 60_000, status: 403 }, { ms: 60_000, status: 500 }],
    ],
    { gateway },
  )
  t.equal(found.rejected, 3, 'two guesses, and the good request after them')
  t.match(found.byLimit, [
    { of: 'gateway', part: 'failures', rejected: 3, clients: 1 },
    { of: 'gateway', part: 'limit', rejected: 0, clients: 0 },
  ])
})

t.test('a request that another limit rejects has no failure and no path', async (t) => {
  const gateway = {
    ...{ limit: 2, burst: 2, windowMs: 60_000 },
    failures: { limit: 3, windowMs: 3_600_000 },
    distinctPaths: { limit: 3, windowMs: 3_600_000 },
  }
  const scan = Array.from({ length: 8 }, (_, path) => ({ status: 404, path }))
  const later = Array.from({ length: 2 }, (_, i) => ({ ms: 60_000, status: 404, path: 100 + i }))
  const found = replayed([...scan, ...later], { gateway })
  t.match(
    found.byLimit.map(({ part, rejected }) => [part, rejected]),
    [
      ['failures', 1],
      ['limit', 6],
      ['distinctPaths', 0],
    ],
  )
})

t.test('a request that its endpoint rejects is counted by no limit of the gateway', async (t) => {
  const gateway = { ...wide, distinctPaths: { limit: 2, windowMs: 60_000 } }
  const rules = [null, { limit: 1, burst: 1, windowMs: 60_000 }]
  const rows = [
    ...[{ endpoint: 1, path: 1 }, { endpoint: 1, path: 2 }, { endpoint: 1, path: 3 }, { path: 4 }],
    ...[{ path: 5 }, { path: 1 }],
  ]
  t.match(replayed(rows, { gateway, rules }), {
    rejected: 3,
    rejectedByGateway: 1,
    byLimit: [
      { of: 'gateway', part: 'limit', rejected: 0 },
      { of: 'gateway', part: 'distinctPaths', rejected: 1, clients: 1 },
      { of: 'endpoint', part: 'limit', rejected: 2, clients: 1 },
    ],
  })
})

t.test('an exception replaces the limits of failures and of paths too', async (t) => {
  const gateway = {
    ...wide,
    failures: { limit: 1, windowMs: 60_000 },
    distinctPaths: { limit: 1, windowMs: 60_000 },
    exceptions: new Map([['sync', { limit: 10, burst: 10 }]]),
  }
  const rows = Array.from({ length: 8 }, (_, path) => ({ path, status: 404 }))
  t.equal(replayed(rows, { gateway, clientName: () => 'sync' }).rejected, 0)
  t.equal(replayed(rows, { gateway, clientName: () => 'ann' }).rejected, 7)
})

t.test('a request counts as its weight in all windows, and as one among failures', async (t) => {
  const gateway = {
    ...{ limit: 100, burst: 100, windowMs: 60_000, longWindow: { limit: 130, windowMs: 3_600_000 } },
    failures: { limit: 2, windowMs: 60_000 },
  }
  const options = { gateway, rules: [null, null], weights: [10, 45] }
  const dear = { endpoint: 1 }
  t.match(
    replayed([dear, dear, {}, {}, ...times(3, { ms: 60_000 }), { ms: 60_000, endpoint: 1 }], options),
    {
      byLimit: [
        { part: 'failures', rejected: 0 },
        { part: 'longWindow', rejected: 1 },
        { part: 'limit', rejected: 1 },
      ],
    },
    'ten are left for one of two; then three of ten, and a dear one is too much for the hour',
  )
  t.equal(replayed(times(3, { endpoint: 1, status: 404 }), options).byLimit[0]!.rejected, 1)
})

t.test('different paths are counted exactly, in windows of the clock', async () => {
  const rowsOf = fc.array(fc.record({ gap: fc.nat(400), client: fc.nat(3), path: fc.nat(12) }), {
    maxLength: 3000,
    minLength: 500,
  })
  fc.assert(
    fc.property(rowsOf, fc.integer({ min: 1, max: 9 }), (rows, limit) => {
      const windows = new DistinctWindows({ limit, windowMs: 30_000 })
      const seen = new Map<string, Set<number>>()
      let timeMs = START
      return rows.every(({ gap, client, path }) => {
        timeMs += gap
        const key = `${client} ${Math.floor(timeMs / 30_000)}`
        const paths = seen.get(key) ?? new Set()
        const passes = paths.has(path) || paths.size < limit
        if (windows.allows(client, timeMs, path) !== passes) return false
        if (passes) {
          seen.set(key, paths.add(path))
          windows.take(client, timeMs, path)
        }
        return true
      })
    }),
    { numRuns: 30 },
  )
})

t.test('a full table of paths lets further ones pass', async (t) => {
  const windows = new DistinctWindows({ limit: 2, windowMs: 60_000 }, 3)
  for (let path = 0; path < 3; path++) windows.take(path, START, path)
  for (let path = 0; path < 9; path++) windows.take(9, START, path)
  t.ok(windows.allows(9, START, 100))
})
