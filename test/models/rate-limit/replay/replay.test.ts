import t from 'tap'
import fc from '../../../properties.js'
import { FixedWindows } from '../../../../models/rate-limit/replay/fixed-window.js'
import { PairSlots } from '../../../../models/rate-limit/pair-slots.js'
import {
  NOBODY,
  Replay,
  type ReplayOptions,
  type RequestBatch,
} from '../../../../models/rate-limit/replay/replay.js'
import { TokenBuckets } from '../../../../models/rate-limit/replay/token-bucket.js'

interface Row {
  readonly timeMs: number
  readonly client: number
  readonly endpoint: number
  readonly tier: number
}

const START = 1_700_000_000_000

function batchOf(rows: readonly Row[]): RequestBatch {
  return {
    length: rows.length,
    timeMs: Float64Array.from(rows, ({ timeMs }) => timeMs),
    client: Uint32Array.from(rows, ({ client }) => client),
    endpoint: Uint32Array.from(rows, ({ endpoint }) => endpoint),
    tier: Uint8Array.from(rows, ({ tier }) => tier),
  }
}

function replay(options: ReplayOptions, ...batches: (readonly Row[])[]) {
  const replay = new Replay(options)
  for (const rows of batches) replay.push(batchOf(rows))
  return replay.report()
}

const rowsOf = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 4000 }),
      client: fc.integer({ min: 0, max: 5 }),
      endpoint: fc.integer({ min: 0, max: 2 }),
      tier: fc.integer({ min: 0, max: 2 }),
    }),
    { maxLength: 300 },
  )
  .map((rows) => {
    let timeMs = START
    return rows.map(({ gap, ...row }): Row => ({ ...row, timeMs: (timeMs += gap) }))
  })

const rules = [
  { limit: 6, burst: 2, windowMs: 60_000 },
  { limit: 20, burst: 1, windowMs: 60_000, longWindow: { limit: 9, windowMs: 600_000 } },
  null,
]

/** One limiter object for every key, and lists to count with. */
function plainly(rows: readonly Row[], { algorithm, scope }: ReplayOptions): boolean[] {
  const limiters = new Map<string, { minute: TokenBuckets | FixedWindows; long: FixedWindows | null }>()
  return rows.map(({ timeMs, client, endpoint }) => {
    const rule = rules[endpoint]!
    if (rule === null) return true
    const key = scope === 'endpoint' ? `${endpoint}` : `${endpoint} ${client}`
    let limiter = limiters.get(key)
    if (!limiter) {
      const minute = algorithm === 'token_bucket' ? new TokenBuckets(rule, START) : new FixedWindows(rule)
      limiter = { minute, long: rule.longWindow ? new FixedWindows(rule.longWindow) : null }
      limiters.set(key, limiter)
    }
    const passes = limiter.minute.peek(0, timeMs).allowed && (limiter.long?.peek(0, timeMs).allowed ?? true)
    if (passes) {
      limiter.minute.take(0, timeMs)
      limiter.long?.take(0, timeMs)
    }
    return passes
  })
}

t.test(
  'it counts what one limiter for each key would do, however the rows are cut into batches',
  async () => {
    fc.assert(
      fc.property(
        rowsOf,
        fc.constantFrom('token_bucket' as const, 'fixed_window' as const),
        fc.constantFrom('client' as const, 'endpoint' as const),
        fc.nat(300),
        (rows, algorithm, scope, cut) => {
          const options = { rules, algorithm, scope }
          const passed = plainly(rows, options)
          const found = replay(options, rows.slice(0, cut), rows.slice(cut))
          const rejected = rows.filter((_, i) => !passed[i])
          const of = <T>(rows: readonly Row[], key: (row: Row) => T) => new Set(rows.map(key)).size
          const tally = (key: keyof Row, value: number) => ({
            requests: rows.filter((row) => row[key] === value).length,
            rejected: rejected.filter((row) => row[key] === value).length,
          })
          t.match(found, {
            requests: rows.length,
            rejected: rejected.length,
            clients: of(rows, ({ client }) => client),
            clientsAffected: of(rejected, ({ client }) => client),
            unattributed: 0,
          })
          for (const [endpoint, counts] of found.byEndpoint.entries())
            t.same(counts, tally('endpoint', endpoint))
          for (const [tier, counts] of found.byTier.entries()) t.same(counts, tally('tier', tier))
          for (const worst of found.worstClients) {
            t.same({ requests: worst.requests, rejected: worst.rejected }, tally('client', worst.client))
          }
          return true
        },
      ),
      { numRuns: 60 },
    )
  },
)

const one = (timeMs: number, client = 0): Row => ({ timeMs: START + timeMs, client, endpoint: 0, tier: 0 })
const tight: ReplayOptions = {
  rules: [{ limit: 1, burst: 1, windowMs: 60_000 }],
  algorithm: 'token_bucket',
  scope: 'client',
}

t.test('the worst minutes and clients come first, and the peaks are those before and after', async (t) => {
  const start = 20_000 // START lies 20 seconds into its minute
  const minute = (n: number) => n * 60_000 - start + 60_000
  const found = replay(tight, [
    one(minute(0), 1),
    one(minute(0) + 1, 1),
    one(minute(1) + 2, 2),
    one(minute(1) + 3, 2),
    one(minute(1) + 4, 2),
    one(minute(1) + 5, 3),
  ])
  t.same(
    found.worstMinutes.map(({ requests, rejected }) => [requests, rejected]),
    [
      [4, 2],
      [2, 1],
    ],
  )
  t.equal(found.worstMinutes[0]!.minuteMs % 60_000, 0)
  t.same(found.worstClients, [
    { client: 2, requests: 3, rejected: 2 },
    { client: 1, requests: 2, rejected: 1 },
  ])
  t.match(found.peakOffered, { requests: 4 })
  t.match(found.peakAdmitted, { requests: 4, rejected: 2 })
})

t.test('nothing to replay is nothing', async (t) => {
  t.match(replay(tight), { requests: 0, rejectionRate: 0, clients: 0, peakOffered: null, peakAdmitted: null })
})

t.test('what comes from nobody, or from clients beyond the bound, passes and is named', async (t) => {
  const rows = [one(0, NOBODY), one(0, NOBODY), one(0, 0), one(0, 7), one(0, 7)]
  t.match(replay({ ...tight, maxClients: 3 }, rows), { rejected: 0, unattributed: 4, clients: 1 })
  t.match(replay({ ...tight, scope: 'endpoint' }, rows), { rejected: 4, unattributed: 0 })
})

t.test('requests out of order, unknown endpoints and bad rules are refused', async (t) => {
  t.throws(() => replay(tight, [one(5)], [one(4)]), /order of time/)
  t.throws(() => replay(tight, [{ ...one(0), endpoint: 1 }]), /no rule for endpoint 1/)
  t.throws(() => replay({ ...tight, rules: [{ limit: 0, burst: 1, windowMs: 1 }] }), /limit must be/)
  t.throws(() => replay({ ...tight, rules: [{ limit: 1, burst: 0, windowMs: 1 }] }), /burst must be/)
})

t.test('pairs get the numbers 0, 1, 2 … of their endpoint and keep them', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.oneof(fc.nat(5), fc.nat(2 ** 32 - 1))), {
        maxLength: 3000,
        minLength: 2000,
      }),
      (pairs) => {
        const slots = new PairSlots(4, 1e6)
        const known = new Map<string, number>()
        const next = [0, 0, 0, 0]
        return pairs.every(([endpoint, client]) => {
          const key = `${endpoint} ${client}`
          if (!known.has(key)) known.set(key, next[endpoint]!++)
          return slots.slotOf(endpoint, client) === known.get(key)
        })
      },
    ),
    { numRuns: 20 },
  )
})

t.test('a full table knows the old pairs and takes no new one', async (t) => {
  const slots = new PairSlots(2, 2)
  t.same([slots.slotOf(0, 5), slots.slotOf(1, 5), slots.slotOf(0, 6), slots.slotOf(1, 5)], [0, 0, -1, 0])
})

t.test(
  'a request must pass the limit over the whole gateway too; one that is rejected uses no tokens',
  async (t) => {
    const rule = { limit: 1, burst: 3, windowMs: 60_000 }
    const gateway = { ...rule, burst: 5 }
    const run = (endpoint: number[], client: number[], gateway: ReplayOptions['gateway'] = null) => {
      const replay = new Replay({
        rules: [null, rule, rule],
        ...{ gateway, scope: 'client', algorithm: 'token_bucket', maxClients: 10 },
      })
      const length = endpoint.length
      replay.push({
        length,
        timeMs: new Float64Array(length),
        client: Uint32Array.from(client),
        endpoint: Uint32Array.from(endpoint),
        tier: new Uint8Array(length),
      })
      return replay.report()
    }
    const alone = (endpoint: number[]) =>
      run(
        endpoint,
        endpoint.map(() => 1),
        gateway,
      )
    t.match(alone([0, 0, 0, 0, 0, 0, 0]), { rejected: 2, rejectedByGateway: 2 }, 'paths without a rule count')
    t.match(
      alone([1, 1, 1, 1, 1, 1, 2, 2]),
      { rejected: 3, rejectedByGateway: 0 },
      'three of one, two of the other',
    )
    t.match(alone([0, 0, 0, 1, 1, 1, 1, 2]), { rejected: 3, rejectedByGateway: 3 })
    t.match(run([1, 1, 1, 1], [1, 1, NOBODY, NOBODY], gateway), { rejected: 0, unattributed: 2 })
  },
)

t.test('a client with an exception has its own limit instead of all others', async (t) => {
  const windowMs = 60_000
  const exceptions = new Map([['sync', { limit: 1, burst: 6 }]])
  const rule = { limit: 1, burst: 2, windowMs, exceptions, longWindow: { limit: 2, windowMs: 3_600_000 } }
  const replay = new Replay({
    rules: [rule],
    ...{ scope: 'client', algorithm: 'token_bucket', clientName: (client) => ['ann', 'sync'][client]! },
  })
  const client = Uint32Array.from({ length: 16 }, (_, i) => i % 2)
  const [timeMs, endpoint, tier] = [new Float64Array(16), new Uint32Array(16), new Uint8Array(16)]
  replay.push({ length: 16, timeMs, client, endpoint, tier })
  t.match(replay.report(), {
    worstClients: [
      { client: 0, rejected: 6 },
      { client: 1, rejected: 2 },
    ],
  })
})
