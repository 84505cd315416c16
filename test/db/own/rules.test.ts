import type { Sql } from 'postgres'
import t from 'tap'
import { migrate } from '../../../db/migrate.js'
import { putRule, rulesInForce } from '../../../db/own/rules.js'
import { testDatabase } from '../../postgres.js'

const rule = (tier: string, limit: number) => ({
  ...{ endpoint: '/a', tier, limit, burst: 7, description: 'recommended' },
})

const stored = async (sql: Sql) => [
  ...(await sql`select tier, requests_per_minute as "limit" from rate_limit_rules order by tier, requests_per_minute`),
]

t.test('the rule of the same tier is changed, in any case, and keeps the name of its tier', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  await sql`insert into rate_limit_rules (endpoint_pattern, tier) values ('/a', 'Auth')`
  t.equal(await putRule(sql, rule('auth', 20)), null)
  t.same(await stored(sql), [{ tier: 'Auth', limit: 20 }])
  const [changed] = await sql`select burst_size, burst_limit, enabled, description from rate_limit_rules`
  t.same(changed, { burst_size: 7, burst_limit: 7, enabled: true, description: 'recommended' })
  t.same(await rulesInForce(sql, ['/a', '/b']), [{ endpoint: '/a', tier: 'Auth', limit: 20, burst: 7 }])
})

t.test('the second tier of a pattern gets a rule, and other scripts still find their key', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  await sql`insert into rate_limit_rules (endpoint_pattern) values ('/a'), ('/a') on conflict (endpoint_pattern) do nothing`
  t.equal(await putRule(sql, rule('free', 5)), null)
  t.equal(await putRule(sql, rule('free', 6)), null)
  t.same(await stored(sql), [
    { tier: 'default', limit: 100 },
    { tier: 'free', limit: 6 },
  ])
  await sql`insert into rate_limit_rules (endpoint_pattern, tier) values ('/a', 'free')
    on conflict (endpoint_pattern, tier) do nothing`
})

t.test(
  'a table with few columns and without keys takes rules, disabled and empty ones count as none',
  async (t) => {
    const { sql } = await testDatabase(t)
    await sql`create table rate_limit_rules (endpoint_pattern text, requests_per_minute numeric, enabled boolean)`
    await sql`insert into rate_limit_rules values ('/b', 5, false), ('/c', null, true), ('/d', 9, null)`
    await migrate(sql)
    t.equal(await putRule(sql, rule('free', 5)), null)
    t.equal(await putRule(sql, rule('premium', 8)), null)
    t.same(await rulesInForce(sql, ['/a', '/b', '/c', '/d']), [
      { endpoint: '/d', tier: null, limit: 9, burst: null },
      { endpoint: '/a', tier: null, limit: 8, burst: null },
    ])
  },
)

t.test('without the table no limit is known', async (t) => {
  const { sql } = await testDatabase(t)
  t.same(await rulesInForce(sql, ['/a']), [])
})

t.test(
  'the keys of a database of the release before are left out where its rows contradict them',
  async (t) => {
    const { sql } = await testDatabase(t)
    await migrate(sql)
    const keys = () => sql<{ name: string }[]>`
    select indexname as name from pg_indexes where indexname like 'aegis_ml_one_%' order by 1`
    const asBefore = async () => {
      await sql`drop index if exists aegis_ml_one_rule_per_pattern, aegis_ml_one_rule_per_tier, aegis_ml_one_row_per_version`
      await sql`alter table rate_limit_rules drop column burst_limit`
      await sql`delete from aegis_ml_migrations where name like '007%'`
    }
    t.equal((await keys()).length, 3)

    await asBefore()
    await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier) values ('/a', 1, 'x'), ('/a', 1, 'y')`
    await migrate(sql)
    t.same(
      (await keys()).map(({ name }) => name),
      ['aegis_ml_one_row_per_version', 'aegis_ml_one_rule_per_tier'],
    )

    await asBefore()
    await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier) values ('/a', 1, 'y')`
    await sql`insert into ml_models (model_name, model_type, version) values ('m', 't', '1'), ('m', 't', '1')`
    await migrate(sql)
    t.same([...(await keys())], [])
    t.equal(await putRule(sql, rule('x', 3)), null)
  },
)
