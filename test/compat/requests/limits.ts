import { get, post, withBodies, withoutBody, type Named } from '../request.js'

const ENDPOINTS = ['/api/users', '/api/orders', '/api/stream']
const UNSEEN = '/never/seen'
const TIERS = ['default', 'free', 'basic', 'standard', 'premium', 'enterprise']
const STRATEGIES = ['conservative', 'balanced', 'permissive', 'adaptive']
/** Tiers that gateways name and the old service did not know. */
const OTHER_TIERS = ['anonymous', 'pro', 'unlimited', 'public', 'admin', 'auth', 'internal']

const endpoint = ENDPOINTS[0]!

function forEachChoice(endpoint: string, name: string): Named[] {
  return TIERS.flatMap((tier) =>
    STRATEGIES.map((strategy): Named => {
      return [`optimize ${name} ${tier} ${strategy}`, post('/optimize', { endpoint, tier, strategy })]
    }),
  )
}

const OTHER_TIER_REQUESTS = OTHER_TIERS.flatMap((tier): Named[] => [
  [`optimize gateway tier ${tier}`, post('/optimize', { endpoint, tier })],
  [`optimize gateway tier ${tier} unseen`, post('/optimize', { endpoint: UNSEEN, tier })],
  [`optimize/all gateway tier ${tier}`, post('/optimize/all', { tier, strategy: 'balanced' })],
])

const CURRENT = {
  current: 10_000,
  'current float': 99.5,
  'current string': '100',
  'current null': null,
  'current 0': 0,
  'current -5': -5,
}
const STRATEGY = { unknown: 'x', case: 'BALANCED', null: null, empty: '' }
const ENDPOINT = {
  empty: '',
  null: null,
  number: 5,
  'no slash': 'api/users',
  'double slash': '//api/users',
  pattern: '/api/*',
}

function withField(field: string, prefix: string, values: Readonly<Record<string, unknown>>): Named[] {
  return Object.entries(values).map(([name, value]) => {
    return [`optimize ${prefix}${name}`, post('/optimize', { endpoint, [field]: value })]
  })
}

const CLUSTERS = ['1', '2', '5', '100', '0', '-1', 'abc', '', '2.5']

export const LIMITS: readonly Named[] = [
  ...ENDPOINTS.flatMap((path) => forEachChoice(path, path)),
  ...forEachChoice(UNSEEN, 'unknown'),
  ['optimize', post('/optimize', { endpoint })],
  ...withField('current_limit', '', CURRENT),
  ...OTHER_TIER_REQUESTS,
  ['optimize tier unknown', post('/optimize', { endpoint, tier: 'gold' })],
  ['optimize tier unknown unseen', post('/optimize', { endpoint: UNSEEN, tier: 'gold' })],
  ...withField('tier', 'tier ', { case: 'PREMIUM', null: null, number: 5 }),
  ...withField('strategy', 'strategy ', STRATEGY),
  ['optimize {}', post('/optimize', {})],
  ['optimize no body', post('/optimize')],
  ...withField('endpoint', 'endpoint ', ENDPOINT),
  ['optimize raw id', post('/optimize', { endpoint: '/api/users/7' })],
  ['optimize unknown field', post('/optimize', { endpoint, colour: 1 })],
  ['optimize/all', post('/optimize/all', {})],
  ...withBodies('/optimize/all', 'optimize/all', {
    tier: { tier: 'premium', strategy: 'conservative' },
    'bad strategy': { strategy: 'x' },
    'null strategy': { strategy: null },
    'tier unknown': { tier: 'gold' },
    'client undefined': {},
  }),
  ...withoutBody('/optimize/all', 'optimize/all'),
  ['clusters', get('/optimize/clusters')],
  ...CLUSTERS.map((n): Named => [`clusters ${n}`, get(`/optimize/clusters?n_clusters=${n}`)]),
  ['clusters unknown query', get('/optimize/clusters?n=3')],
]
