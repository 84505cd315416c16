import { connect } from 'node:net'
import t from 'tap'
import postgres from 'postgres'
import { describeDatabaseError, isDatabaseAway } from '../../db/errors.js'
import { testDatabase } from '../postgres.js'

t.test('a server that cannot be reached is away', async (t) => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'CONNECT_TIMEOUT', '57P01', '57P03', '53300', '08006']) {
    t.equal(isDatabaseAway(Object.assign(new Error('x'), { code })), true, code)
  }
})

t.test('a refused connection is away, whatever wraps it', async (t) => {
  const sql = postgres({ host: '127.0.0.1', port: 1, max: 1 })
  t.teardown(() => sql.end({ timeout: 1 }))
  const error = await sql`select 1`.catch((error: unknown) => error)
  t.equal(isDatabaseAway(error), true)
  t.equal(isDatabaseAway(new Error('training failed', { cause: error })), true)
  t.equal(isDatabaseAway(new AggregateError([error, error])), true)
  t.equal(isDatabaseAway(new AggregateError([error, new Error('other')])), false)
})

t.test('a bad query, a bug and a non-error are not', async (t) => {
  const { sql } = await testDatabase(t)
  const error = await sql`select * from nowhere`.catch((error: unknown) => error)
  t.equal(isDatabaseAway(error), false)
  t.equal(isDatabaseAway(new TypeError('x')), false)
  t.equal(isDatabaseAway(undefined), false)
  t.equal(isDatabaseAway({ code: 42 }), false)
})

t.test('a connection that the server ends is away', async (t) => {
  const { sql } = await testDatabase(t)
  const reserved = await sql.reserve()
  const [row] = await reserved<{ pid: number }[]>`select pg_backend_pid() as pid`
  const waiting = reserved`select pg_sleep(30)`.catch((error: unknown) => error)
  await sql`select pg_terminate_backend(${row!.pid})`
  t.equal(isDatabaseAway(await waiting), true)
})

t.test('a description is one line and never empty', async (t) => {
  const refused = await new Promise((resolve) => connect(1, '127.0.0.1').once('error', resolve))
  t.equal(describeDatabaseError(new AggregateError([refused])), 'connect ECONNREFUSED 127.0.0.1:1')
  t.equal(describeDatabaseError(new Error('first\nsecond')), 'first')
  t.equal(describeDatabaseError(Object.assign(new Error(''), { code: 'EPIPE' })), 'EPIPE')
  t.equal(describeDatabaseError(undefined), 'unknown error')
})
