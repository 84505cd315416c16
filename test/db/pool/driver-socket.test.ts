import postgres, { type Sql } from 'postgres'
import t, { type Test } from 'tap'
import { driverSockets } from '../../../db/pool/driver-socket.js'
import { switchableProxy } from '../../plugins/switchable-proxy.js'
import { testDatabase } from '../../postgres.js'

/** A client with a single connection, whose ends it is to survive. */
async function singleConnection(t: Test) {
  const { sql: admin, connection } = await testDatabase(t)
  const { host, user: username, password, database } = connection
  const proxy = await switchableProxy(t, connection.port)
  const place = { host, port: proxy.port, username, password, database }
  const options = { max: 1, connect_timeout: 2, backoff: () => 0.05, socket: driverSockets() }
  const sql = postgres({ ...place, ...options } as postgres.Options<Record<string, never>>)
  t.teardown(() => sql.end({ timeout: 1 }))
  const terminate = async (connection: Sql | postgres.TransactionSql) => {
    const [{ pid }] = await connection<[{ pid: number }]>`select pg_backend_pid() as pid`
    setTimeout(() => void admin`select pg_terminate_backend(${pid})`.catch(() => undefined), 20)
  }
  const goesOn = async () => {
    // What is on its way when the end is noticed fails, and so may the next, with the error that ended it.
    for (let query = 0; query < 2; query++) await sql`select 1`.catch(() => undefined)
    t.same([...(await sql`select 1 as one`)], [{ one: 1 }])
  }
  return { sql, proxy, terminate, goesOn }
}

t.test(
  'a transaction whose connection ends in the middle of a query fails, and the next works',
  async (t) => {
    const { sql, terminate, goesOn } = await singleConnection(t)
    for (let round = 0; round < 3; round++) {
      const transaction = sql.begin(async (tx) => {
        await terminate(tx)
        await tx`select pg_sleep(10)`
      })
      await t.rejects(transaction, { code: 'CONNECTION_CLOSED' })
      await goesOn()
    }
  },
)

t.test('a connection that ends between queries is made anew', async (t) => {
  const { sql, terminate, goesOn } = await singleConnection(t)
  for (let round = 0; round < 3; round++) {
    await terminate(sql)
    await t.rejects(
      (async () => {
        for (;;) await sql`select 1`
      })(),
    )
    await goesOn()
  }
})

t.test(
  'what was asked while the server was away does not keep the next connection from working',
  async (t) => {
    const { sql, proxy, goesOn } = await singleConnection(t)
    for (let round = 0; round < 3; round++) {
      await sql`select 1`
      const closing = proxy.close()
      const asked = [sql`select 1`, sql`select 2`, sql`select 3`].map((query) => query.catch(() => undefined))
      await closing
      await Promise.all(asked)
      await t.rejects(sql`select 1`)
      await proxy.open()
      await goesOn()
    }
  },
)

t.test('a query can be cancelled', async (t) => {
  const { sql, goesOn } = await singleConnection(t)
  await sql`select 1` // what is cancelled before it is sent is never heard of again
  const query = sql`select pg_sleep(10)`
  setTimeout(() => void Promise.resolve(query.cancel()).then(() => t.pass('the request ends well')), 50)
  await t.rejects(query, { code: '57014' })
  await goesOn()
})
