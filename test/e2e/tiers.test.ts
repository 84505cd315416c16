import t from 'tap'
import { testService } from '../service.js'

t.test('a tier is any text in any case; an unknown one counts as default and is named', async (t) => {
  const { post, app } = await testService(t)
  const of = async (tier: string) => (await post('/optimize', { endpoint: '/x', tier })).body
  const premium = await of(' PREMIUM ')
  t.match(premium.data, { tier: 'premium', recommended_limit: 1000 })
  t.notOk(premium.warnings)
  for (const tier of [
    'auth',
    'public',
    'admin',
    'internal',
    'Größe',
    'constructor',
    '__proto__',
    'x'.repeat(255),
  ]) {
    const { data, warnings } = await of(tier)
    t.match(data, { tier: tier.toLowerCase().slice(0, 32), recommended_limit: 300 }, tier)
    t.match(warnings, [/is not known and counts as default. Known are default, free/], tier)
  }
  t.match(await of(''), { data: { tier: 'default' }, warnings: undefined })
  t.equal((await post('/optimize', { endpoint: '/x', tier: 'a\0b' })).status, 400)
  t.equal((await post('/optimize', { endpoint: '/x', tier: 'x'.repeat(256) })).status, 400)
  const file = await app.inject('/export/rate-limits?tier=gold')
  t.equal(file.statusCode, 409, 'untrained, not a bad tier')
})

t.test('TIERS adds the tiers of a gateway', async (t) => {
  const TIERS =
    '{"auth": {"multiplier": 0.1, "limit": 20, "burst": 1}, "Partner": {"multiplier": 3, "limit": 900}}'
  const { post, sql } = await testService(t, { TIERS })
  const of = async (tier: string) => (await post('/optimize', { endpoint: '/x', tier })).body
  t.match(await of('AUTH'), {
    data: { tier: 'auth', recommended_limit: 20, recommended_burst: 20 },
    warnings: undefined,
  })
  t.match(await of('partner'), { data: { recommended_limit: 900, recommended_burst: 1350 } })
  t.match((await of('gold')).warnings, [/Known are default, .*, auth, partner; TIERS adds others/])
  await sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select date_trunc('minute', now()) - n * interval '100 ms', 'GET', '/x', 200, 5, 'u' || n % 40
    from generate_series(1, 40000) n`
  await post('/train', { days: 1 })
  const base = (await of('default')).data['recommended_limit'] as number
  t.equal((await of('partner')).data['recommended_limit'], 3 * base)
  t.match((await of('partner')).data['reasoning'], /tier partner × 3 and/)
  t.equal((await post('/optimize/backtest', { tier: 'partner', days: 1 })).status, 200)
})
