import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { openOwnConnection } from '../../db/own-connection.js'
import { eventually } from '../e2e/eventually.js'
import { switchableProxy } from '../plugins/switchable-proxy.js'
import { openSql, testDatabase } from '../postgres.js'

const endAll = (sql: Awaited<ReturnType<typeof testDatabase>>['sql']) => sql`
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and query like '%of its own%'`

t.test('a transaction is kept whole or left out whole', async (t) => {
  const { sql } = await testDatabase(t)
  await sql`create table numbers (n int)`
  const own = openOwnConnection(sql, { lock_timeout: '7s' })
  t.teardown(() => own.close())
  t.same([...(await own.sql`show lock_timeout`)], [{ lock_timeout: '7s' }])
  t.equal(await own.transaction('', async () => (await own.sql`insert into numbers values (1)`).count), 1)
  const failing = own.transaction('isolation level repeatable read', async () => {
    await own.sql`insert into numbers values (2)`
    throw new Error('not this one')
  })
  await t.rejects(failing, { message: 'not this one' })
  t.same([...(await sql`select n from numbers`)], [{ n: 1 }])
})

t.test('a connection that is lost between two statements is an error that can be caught', async (t) => {
  const { sql } = await testDatabase(t)
  const own = openOwnConnection(sql, {})
  t.teardown(() => own.close())
  const lost = own.transaction('', async () => {
    await own.sql`select 'of its own'`
    await endAll(sql)
    await delay(300)
    await own.sql`select 2`
  })
  await t.rejects(lost, { code: 'CONNECTION_CLOSED' })
  await t.rejects(async () => own.sql`select 3`, { code: 'CONNECTION_CLOSED' }, 'it does not connect anew')
  await t.rejects(async () => own.sql.unsafe('select 3'), { code: 'CONNECTION_CLOSED' })
})

t.test('a connection that is lost within a statement is one too', async (t) => {
  const { sql } = await testDatabase(t)
  const own = openOwnConnection(sql, {})
  t.teardown(() => own.close())
  const lost = own.transaction('', () => own.sql`select 'of its own', pg_sleep(20)`)
  const ended = delay(300).then(() => endAll(sql))
  await t.rejects(lost)
  await ended
  await delay(100)
  t.same([...(await sql`select 1 as one`)], [{ one: 1 }])
})

t.test('so is a server that goes without a word', async (t) => {
  const { connection } = await testDatabase(t)
  const proxy = await switchableProxy(t, connection.port)
  const pool = openSql({ ...connection, port: proxy.port })
  const own = openOwnConnection(pool, {})
  t.teardown(() => Promise.all([own.close(), pool.end({ timeout: 1 })]))
  const lost = own.transaction('', async () => {
    await own.sql`select 1`
    setTimeout(() => void proxy.close(), 100)
    await own.sql`select pg_sleep(20)`
  })
  await t.rejects(lost, { code: 'CONNECTION_CLOSED' })
  await delay(100)
})

t.test('so is a connection that is reset, whatever sockets the pool uses', async (t) => {
  const { connection } = await testDatabase(t)
  let asleep: Socket | undefined
  const proxy = createServer((inside) => {
    const outside = connect(connection.port, '127.0.0.1')
    const close = () => [inside, outside].forEach((socket: Socket) => socket.destroy())
    for (const socket of [inside, outside]) socket.on('error', () => undefined).on('close', close)
    outside.on('data', (bytes) => inside.write(bytes))
    inside.on('data', (bytes) => {
      if (bytes.includes('pg_sleep')) asleep = inside
      outside.write(bytes)
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const pool = openSql({ ...connection, port: (proxy.address() as AddressInfo).port })
  const own = openOwnConnection(pool, {})
  t.teardown(() => Promise.all([own.close(), pool.end({ timeout: 1 }), proxy.close()]))
  const reset = own.transaction('', () => own.sql`select pg_sleep(20)`)
  reset.catch(() => undefined)
  ;(await eventually(async () => asleep)).resetAndDestroy()
  await t.rejects(orLate(reset), { code: 'ECONNRESET' })
})

/** Fails when the work has no end. */
function orLate<T>(work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    delay(15_000, undefined, { ref: false }).then(() => Promise.reject(new Error('late'))),
  ])
}

t.test('after an abort nothing more is asked', async (t) => {
  const { sql } = await testDatabase(t)
  await sql`create table numbers (n int)`
  const stopping = new AbortController()
  const own = openOwnConnection(sql, {}, stopping.signal)
  t.teardown(() => own.close())
  const aborted = own.transaction('', async () => {
    await own.sql`insert into numbers values (1)`
    stopping.abort(new Error('enough'))
  })
  await t.rejects(aborted, { message: 'enough' })
  t.same([...(await sql`select n from numbers`)], [])
})
