import t from 'tap'
import {
  burstOf,
  endpointBase,
  recommendEndpointLimit,
} from '../../../../models/rate-limit/endpoints/limit.js'
import { friendlyNumber } from '../../../../models/rate-limit/endpoints/friendly-number.js'
import { strategyMultiplier, type Strategy } from '../../../../models/rate-limit/strategies.js'
import { TIER_NAMES, type Tier } from '../../../../models/rate-limit/tiers.js'
import { profile } from '../profiles.js'

const ask = (
  changes: Parameters<typeof profile>[0] = {},
  tier: Tier = 'default',
  strategy: Strategy = 'balanced',
  currentLimit: number | null = null,
) =>
  recommendEndpointLimit({
    endpoint: '/api/users',
    tier,
    strategy,
    currentLimit,
    profile: profile(changes),
    dailyP95: [95, 100, 105],
    seed: 1,
  })

t.test('friendly numbers, upper bounds excluded, halves up', async (t) => {
  const table = [
    [0, 0],
    [2.4, 0],
    [2.5, 5],
    [12, 10],
    [12.5, 15],
    [49.9, 50],
    [50, 50],
    [54.9, 50],
    [55, 60],
    [99, 100],
    [100, 100],
    [112, 100],
    [113, 125],
    [499, 500],
    [500, 500],
    [524, 500],
    [525, 550],
    [999, 1000],
    [1000, 1000],
    [1049, 1000],
    [1050, 1100],
    [4999, 5000],
    [5000, 5000],
    [5249, 5000],
    [5250, 5500],
    [123_456, 123_500],
  ]
  for (const [value, friendly] of table) t.equal(friendlyNumber(value!), friendly, `${value}`)
})

t.test('the base is the busy minute with a fifth to spare, at least 10', async (t) => {
  const table = [
    [0, 10],
    [8, 10],
    [10, 10],
    [11, 15],
    [40, 50],
    [100, 125],
    [250, 300],
    [700, 850],
    [2000, 2400],
    [10_000, 12_000],
  ]
  for (const [p95, base] of table) t.equal(endpointBase(p95!), base, `p95 ${p95}`)
})

t.test('tiers and strategies multiply, and each product is cut to a whole number', async (t) => {
  const table: [Tier, Strategy, number][] = [
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
  t.equal(ask({ p95_requests_per_minute: 75 }, 'default', 'conservative').recommended_limit, 62)
  for (const [tier, strategy, limit] of table) {
    t.equal(ask({}, tier, strategy).recommended_limit, limit, `${tier} ${strategy}`)
  }
  t.same(
    TIER_NAMES.toSorted(),
    ['basic', 'default', 'enterprise', 'free', 'premium', 'standard'],
    'no other tier',
  )
})

t.test('adaptive looks at swing, errors and latency', async (t) => {
  const table: [number, number, number, number][] = [
    [0, 0, 99.9, 1],
    [0, 0, 100, 0.8],
    [1, 0, 50, 0.7],
    [2, 0, 50, 0.5],
    [0, 0.1, 50, 0.8],
    [0, 0.9, 50, 0.5],
    [5, 1, 5000, 0.2],
  ]
  for (const [time_of_day_variance, error_rate, avg_latency_ms, factor] of table) {
    const found = strategyMultiplier('adaptive', { time_of_day_variance, error_rate, avg_latency_ms })
    t.ok(Math.abs(found - factor) < 1e-12, `${found}, ${factor}`)
  }
  t.equal(ask({ error_rate: 0.2, time_of_day_variance: 1 }, 'default', 'adaptive').recommended_limit, 52)
})

t.test('a burst without request times', async (t) => {
  const table = [
    [10, 1, 10],
    [10, 50, 10],
    [300, 1, 50],
    [300, 40, 80],
    [300, 500, 300],
    [6000, 10, 1000],
    [62, 3, 10],
  ]
  for (const [limit, typical, burst] of table)
    t.equal(burstOf(limit!, typical!), burst, `${limit}, ${typical}`)
})

t.test('a burst from request times is taken as it is', async (t) => {
  const { recommended_burst } = recommendEndpointLimit({
    endpoint: '/',
    tier: 'default',
    strategy: 'balanced',
    currentLimit: null,
    profile: profile(),
    dailyP95: [100],
    seed: 1,
    burstAt: (limit) => limit + 2,
  })
  t.equal(recommended_burst, 127)
})

t.test('without traffic the tier decides, and confidence is low', async (t) => {
  const table: [Tier, number, number][] = [
    ['free', 60, 72],
    ['basic', 100, 150],
    ['default', 300, 450],
    ['standard', 300, 450],
    ['premium', 1000, 2000],
    ['enterprise', 5000, 12_500],
  ]
  for (const [tier, limit, burst] of table) {
    const answer = recommendEndpointLimit({
      endpoint: '/new',
      tier,
      strategy: 'conservative',
      currentLimit: null,
      profile: null,
      dailyP95: [],
      seed: 1,
    })
    t.match(answer, { recommended_limit: limit, recommended_burst: burst, profile: null, interval: null })
    t.ok(answer.confidence <= 0.3)
    t.match(answer.reasoning, /No traffic/)
  }
})

t.test('a limit is at least 1', async (t) => {
  const extreme = { p95_requests_per_minute: 0, error_rate: 1, time_of_day_variance: 9, avg_latency_ms: 900 }
  t.equal(ask(extreme, 'free', 'adaptive').recommended_limit, 1)
})

t.test('warnings say what is wrong and only that', async (t) => {
  const has = (pattern: RegExp, ...args: Parameters<typeof ask>) => {
    const { warnings } = ask(...args)
    t.equal(warnings.length, 1, warnings.join(' '))
    t.match(warnings[0], pattern)
  }
  t.same(ask({}, 'default', 'balanced', 178).warnings, [], '125 is 70 % of 178')
  has(/far below the current limit of 179/, {}, 'default', 'balanced', 179)
  has(/10.1 % of the requests fail/, { error_rate: 0.101 })
  has(/swings strongly/, { time_of_day_variance: 0.81 })
  has(/Only 999 requests/, { total_requests: 999 })
  has(/below what is regularly seen: 5 % of the minutes have more than 100/, {}, 'free')
  t.same(ask({ error_rate: 0.1, time_of_day_variance: 0.8, total_requests: 1000 }).warnings, [])
})

t.test(
  'confidence rises with data and falls where days differ; the same seed, the same answer',
  async (t) => {
    const { confidence, interval } = ask()
    t.ok(confidence > ask({ total_requests: 100 }).confidence)
    const unsteady = recommendEndpointLimit({
      endpoint: '/',
      tier: 'default',
      strategy: 'balanced',
      currentLimit: null,
      profile: profile(),
      dailyP95: [10, 100, 400],
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
