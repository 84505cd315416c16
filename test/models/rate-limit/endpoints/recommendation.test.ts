import t from 'tap'
import { recommendEndpointLimit } from '../../../../models/rate-limit/endpoints/recommendation.js'
import type { Strategy } from '../../../../models/rate-limit/strategies.js'
import { TIERS } from '../../../../models/rate-limit/tiers.js'
import { profile } from '../profiles.js'

const ask = (
  changes: Parameters<typeof profile>[0] = {},
  tier: keyof typeof TIERS = 'default',
  strategy: Strategy = 'balanced',
  currentLimit: number | null = null,
) =>
  recommendEndpointLimit({
    endpoint: '/api/users',
    tier: TIERS[tier],
    strategy,
    currentLimit,
    profile: profile(changes),
    dailyP95: [95, 100, 105],
    curve: [],
    seed: 1,
  })

t.test('tiers and strategies multiply, and each product is cut to a whole number', async (t) => {
  const table: [keyof typeof TIERS, Strategy, number][] = [
    ['default', 'balanced', 125],
    ['free', 'balanced', 62],
    ['basic', 'balanced', 93],
    ['standard', 'balanced', 187],
    ['premium', 'balanced', 312],
    ['enterprise', 'balanced', 625],
    ['default', 'conservative', 87],
    ['default', 'permissive', 162],
    ['free', 'conservative', 43],
    ['free', 'permissive', 80],
    ['premium', 'permissive', 405],
  ]
  // 90 × 0.7 is 62.99… in doubles, and has always been cut to 62.
  t.equal(ask({ p95RequestsPerMinute: 75 }, 'default', 'conservative').limit, 62)
  for (const [tier, strategy, limit] of table) {
    t.equal(ask({}, tier, strategy).limit, limit, `${tier} ${strategy}`)
  }
  t.same(
    Object.keys(TIERS).toSorted(),
    ['basic', 'default', 'enterprise', 'free', 'premium', 'standard'],
    'no other tier',
  )
})

t.test('without traffic the tier and the strategy decide, and confidence is low', async (t) => {
  const table: [keyof typeof TIERS, number, number][] = [
    ['free', 42, 72],
    ['basic', 70, 150],
    ['default', 210, 450],
    ['standard', 210, 450],
    ['premium', 700, 2000],
    ['enterprise', 3500, 12_500],
  ]
  for (const [tier, limit, burst] of table) {
    const answer = recommendEndpointLimit({
      endpoint: '/new',
      tier: TIERS[tier],
      strategy: 'conservative',
      currentLimit: null,
      profile: null,
      dailyP95: [],
      curve: [],
      seed: 1,
    })
    t.match(answer, { limit: limit, burst: burst, profile: null, interval: null })
    t.equal(answer.confidence, 0.3)
    t.match(answer.warnings, [/^No traffic data is available/])
    t.match(answer.reasoning, /No traffic/)
  }
})

t.test('a limit is at least 1', async (t) => {
  const extreme = { p95RequestsPerMinute: 0, errorRate: 1, timeOfDayVariance: 9, avgLatencyMs: 900 }
  t.equal(ask(extreme, 'free', 'adaptive').limit, 1)
})

t.test('warnings say what is wrong and only that', async (t) => {
  const has = (pattern: RegExp, ...args: Parameters<typeof ask>) => {
    const { warnings } = ask(...args)
    t.equal(warnings.length, 1, warnings.join(' '))
    t.match(warnings[0], pattern)
  }
  t.same(ask({}, 'default', 'balanced', 178).warnings, [], '125 is 70 % of 178')
  has(/far below the current limit of 179/, {}, 'default', 'balanced', 179)
  has(/10.1 % of the requests fail/, { errorRate: 0.101 })
  has(/swings strongly/, { timeOfDayVariance: 0.81 })
  has(/Only 999 requests/, { totalRequests: 999 })
  has(/below what is regularly seen: 5 % of the minutes have more than 100/, {}, 'free')
  t.same(ask({ errorRate: 0.1, timeOfDayVariance: 0.8, totalRequests: 1000 }).warnings, [])
})

t.test(
  'confidence rises with data and falls where days differ; the same seed, the same answer',
  async (t) => {
    const { confidence, interval } = ask()
    t.ok(confidence > ask({ totalRequests: 100 }).confidence)
    const unsteady = recommendEndpointLimit({
      endpoint: '/',
      tier: TIERS.default,
      strategy: 'balanced',
      currentLimit: null,
      profile: profile(),
      dailyP95: [10, 100, 400],
      curve: [],
      seed: 1,
    })
    t.ok(confidence > unsteady.confidence)
    t.ok(interval!.lower >= (125 * 95) / 100 && interval!.upper <= (125 * 105) / 100)
    t.same(ask(), ask())
  },
)

t.test('the reasoning holds the numbers', async (t) => {
  const { reasoning } = ask({}, 'free', 'permissive')
  for (const number of ['100', '125', '× 0.5', '× 1.3', '80']) t.ok(reasoning.includes(number), number)
})

t.test('adaptive lowers the limit of an endpoint that swings and fails', async (t) => {
  t.equal(ask({ errorRate: 0.2, timeOfDayVariance: 1 }, 'default', 'adaptive').limit, 52)
})

t.test('a burst from request times is that of the curve', async (t) => {
  const { burst, burstCurve } = recommendEndpointLimit({
    ...{ endpoint: '/', tier: TIERS.default, strategy: 'balanced', currentLimit: null },
    ...{ profile: profile(), dailyP95: [100], seed: 1 },
    curve: [{ limit: 125, burst: 77 }],
  })
  t.equal(burst, 77)
  t.same(burstCurve, [{ limit: 125, burst: 77 }])
})
