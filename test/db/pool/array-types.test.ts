import t from 'tap'
import { openPool } from '../../../db/pool.js'
import { testDatabase } from '../../postgres.js'

t.test('arrays reach the server and come back as they were', async (t) => {
  const { connection } = await testDatabase(t)
  const sql = openPool(connection, { max: 1 })
  t.teardown(() => sql.end({ timeout: 1 }))
  const texts = ['plain', '', 'a,b', '{x}', 'say "no"', 'back\\slash', 'NULL', 'two\nlines', ' é ']
  t.same([...(await sql`select ${texts}::text[] as a, ${[]}::text[] as b`)], [{ a: texts, b: [] }])
  t.same([...(await sql`select array['a', null]::text[] as a`)], [{ a: ['a', null] }])
  t.same([...(await sql`select ${[1, -2]}::int[] as a, ${[0.5]}::float8[] as b`)], [{ a: [1, -2], b: [0.5] }])
  t.same([...(await sql`select 'b'::varchar = any(${['a', 'b']}) as is`)], [{ is: true }])
  t.same([...(await sql`select 7 = any(${['6', '7']}::bigint[]) as is`)], [{ is: true }])
  const times = ['2026-01-31T12:00:00.000Z']
  t.same([...(await sql`select unnest(${times}::timestamptz[]) as time`)], [{ time: new Date(times[0]!) }])
})

t.test(
  'the limits that a role may impose are lifted, and settings are in force from the first query',
  async (t) => {
    const { connection } = await testDatabase(t)
    const sql = openPool(connection, { max: 1 }, { lock_timeout: '7s', work_mem: '65MB' })
    t.teardown(() => sql.end({ timeout: 1 }))
    const [row] =
      await sql`select current_setting('lock_timeout') as lock, current_setting('work_mem') as memory,
    current_setting('statement_timeout') as statement`
    t.same(row, { lock: '7s', memory: '65MB', statement: '0' })
  },
)

t.test('a connection that the server ends right after its login fails, and the next one works', async (t) => {
  const { sql: admin, connection } = await testDatabase(t)
  const sql = openPool(connection, { max: 5, backoff: () => 0.01 })
  t.teardown(() => sql.end({ timeout: 1 }))
  for (let round = 0; round < 20; round++) {
    const queries = Array.from({ length: 5 }, () => sql`select 1`.catch(() => undefined))
    const kills = Array.from(
      { length: 3 },
      () => admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'aegis-ml'`,
    )
    await Promise.all([...queries, ...kills])
  }
  // What was under way when a connection ended fails.
  for (let query = 0; query < 5; query++) await sql`select 1`.catch(() => undefined)
  t.match(await sql`select 1 as one`, [{ one: 1 }])
})
