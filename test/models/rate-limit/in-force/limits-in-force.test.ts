import t from 'tap'
import { limitPattern } from '../../../../models/rate-limit/in-force/limit-pattern.js'
import { LimitsInForce, type LimitInForce } from '../../../../models/rate-limit/in-force/limits-in-force.js'
import { NOBODY } from '../../../../models/rate-limit/replay/replay.js'

t.test('which endpoints the pattern of a rule describes, and how closely', (t) => {
  const close = (pattern: string, endpoint: string) => limitPattern(pattern).closeness(endpoint)
  for (const [pattern, endpoint] of [
    ['/users/{id}', 'GET /users/{id}'],
    ['GET /users/{id}', 'GET /users/{id}'],
    ['get /users/:id', 'GET /users/{id}'],
    ['/users/<int:id>', 'GET /users/{id}'],
    ['/users/{userId}/cart', 'PUT /users/{id}/cart'],
    ['/users/*', 'GET /users/{id}/cart'],
    ['/api/**', 'GET /api/a/b'],
    [' /users ', '/users'],
  ] as const)
    t.ok(close(pattern, endpoint) > 0, `${pattern} ${endpoint}`)
  for (const [pattern, endpoint] of [
    ['POST /users/{id}', 'GET /users/{id}'],
    ['/users', 'GET /users/{id}'],
    ['/users/{id}', 'GET /users/{id}/cart'],
    ['/', 'GET /users'],
    ['/**', 'GET /users'],
    ['', 'GET /users'],
  ] as const)
    t.equal(close(pattern, endpoint), 0, `${pattern} ${endpoint}`)
  const endpoint = 'GET /users/{id}'
  const ranked = ['GET /users/{id}', '/users/{id}', 'GET /users/:id', '/users/:id', '/us*/*', '/*/*']
  const values = ranked.map((pattern) => close(pattern, endpoint))
  t.same(
    values.toSorted((a, b) => b - a),
    values,
  )
  t.ok(limitPattern('/**').isWholeGateway && limitPattern('*').isWholeGateway)
  t.notOk(limitPattern('GET /**').isWholeGateway || limitPattern('/').isWholeGateway)
  t.end()
})

const names = { endpoints: ['other', 'GET /a', 'POST /a', 'GET /b'], tiers: ['', 'gold'] }

/** A request is [client, endpoint, tier], all at one moment. */
function replay(limits: readonly Partial<LimitInForce>[], requests: readonly (readonly number[])[]) {
  const inForce = new LimitsInForce(
    limits.map((limit) => ({
      ...{ pattern: '/a', tier: null, limit: 1, burst: null, scope: 'client' },
      ...limit,
    })),
    names,
  )
  const column = (place: number) => requests.map((request) => request[place] ?? 0)
  inForce.push({
    length: requests.length,
    timeMs: Float64Array.from(requests, () => 1_700_000_000_000),
    client: Uint32Array.from(column(0)),
    endpoint: Uint32Array.from(column(1)),
    tier: Uint8Array.from(column(2)),
  })
  return inForce.outcome()
}

t.test('each client has a bucket of its own for all methods, unless all share one', (t) => {
  const requests = [[0, 1], [0, 2], [1, 1], [1, 3], [NOBODY, 1], [NOBODY, 1]] // prettier-ignore
  t.same(replay([{}], requests), { requests: 6, rejected: 1, clients: 2, clientsAffected: 1, applied: [0] })
  t.match(replay([{ scope: 'endpoint' }], requests), { rejected: 4, clientsAffected: 2 })
  t.match(replay([{ burst: 2 }], requests), { rejected: 0, applied: [0] })
  t.match(replay([{ pattern: '/c' }], requests), { rejected: 0, applied: [] })
  t.same(replay([], []), { requests: 0, rejected: 0, clients: 0, clientsAffected: 0, applied: [] })
  t.end()
})

t.test('the closest limit holds, that of the tier first, beside that of the gateway', (t) => {
  const twice = [[0, 1], [0, 1]] // prettier-ignore
  t.match(replay([{ pattern: '/*a', limit: 5 }, {}], twice), { rejected: 1, applied: [1] })
  t.match(replay([{ limit: 5 }, { tier: 'default' }], twice), { rejected: 1, applied: [1] })
  t.match(replay([{ limit: 5 }, { tier: 'Gold' }], [[0, 1, 1], [0, 1, 1]]), { rejected: 1 }) // prettier-ignore
  t.match(replay([{ tier: 'gold' }], twice), { rejected: 0, applied: [] })
  const whole = [
    { pattern: '/**', limit: 2 },
    { pattern: '/a', limit: 1 },
  ]
  const mixed = [[0, 1], [0, 1], [0, 3], [0, 3], [1, 0]] // prettier-ignore
  t.match(replay(whole, mixed), { rejected: 2, applied: [0, 1] }, 'what one rejects the other does not count')
  t.end()
})

t.test('a limit that is none is refused at once', (t) => {
  t.throws(() => replay([{ limit: 0 }], []), RangeError)
  t.end()
})
