import { setTimeout as delay } from 'node:timers/promises'
import type { TransactionSql } from 'postgres'
import t, { type Test } from 'tap'
import { openPool } from '../../../db/pool.js'
import { eventually } from '../../eventually.js'
import { switchableProxy } from '../../plugins/switchable-proxy.js'
import { testDatabase } from '../../postgres.js'

/** A pool of one connection, and a table for its transactions. */
async function pool(t: Test) {
  const { sql: admin, connection } = await testDatabase(t)
  await admin`create table rows (name text)`
  const proxy = await switchableProxy(t, connection.port)
  const sql = openPool({ ...connection, port: proxy.port }, { max: 1, backoff: () => 0.02 })
  t.teardown(() => sql.end({ timeout: 1 }))
  /** Breaks the connection, and waits until nobody is on the server any more. */
  const lose = async () => {
    await proxy.close()
    await proxy.open()
    await eventually(async () => {
      const others = await admin`select from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`
      return others.length === 0
    })
    await delay(50) // the driver has heard of it
  }
  const rows = async () => (await admin<{ name: string }[]>`select name from rows`).map(({ name }) => name)
  const add = (tx: TransactionSql, name: string) => tx`insert into rows values (${name})`
  return { sql, lose, rows, add }
}

const LOST = { code: 'CONNECTION_CLOSED' }

t.test('a transaction whose connection ends between two statements fails as a whole', async (t) => {
  const { sql, lose, rows, add } = await pool(t)
  for (let round = 0; round < 3; round++) {
    const transaction = sql.begin(async (tx) => {
      await add(tx, 'first')
      await lose()
      await t.rejects(add(tx, 'second'), LOST)
      await t.rejects(add(tx, 'third'), LOST)
    })
    const after = sql`select 1 as one` // it waits for the connection
    await t.rejects(transaction, LOST)
    await after.catch(() => undefined)
    t.same([...(await sql`select 1 as one`)], [{ one: 1 }])
  }
  t.same(await rows(), [])
})

t.test('a statement that is new to the connection fails with it, and so does the transaction', async (t) => {
  const { sql, lose, rows, add } = await pool(t)
  for (let round = 0; round < 3; round++) {
    const transaction = sql.begin(async (tx) => {
      await add(tx, 'first')
      const waiting = Promise.all([
        tx`select pg_sleep(${10 + round}), repeat('x', 100000)`,
        tx`select ${round} as later`,
        tx`select ${round}::text as last`,
      ])
      await Promise.all([t.rejects(waiting, LOST), lose()])
      await delay(20)
      throw new Error('not now')
    })
    await t.rejects(transaction)
    t.same([...(await sql`select 1 as one`)], [{ one: 1 }])
  }
  t.same(await rows(), [])
})

t.test('a transaction that is cut in the midst of an answer fails', async (t) => {
  const { sql, lose, rows, add } = await pool(t)
  const transaction = sql.begin(async (tx) => {
    await add(tx, 'first')
    const answer = tx`select repeat('x', 1000) from generate_series(1, 1000000) where pg_sleep(0) is not null`
    await Promise.all([t.rejects(answer, LOST), delay(100).then(lose)])
    await t.rejects(add(tx, 'second'), LOST)
  })
  await t.rejects(transaction, LOST)
  t.same([...(await sql`select 1 as one`)], [{ one: 1 }])
  t.same(await rows(), [])
})

t.test('a transaction whose connection ends before the commit fails', async (t) => {
  const { sql, lose, rows, add } = await pool(t)
  const transaction = sql.begin(async (tx) => {
    await add(tx, 'first')
    await lose()
  })
  await t.rejects(transaction, LOST)
  await sql.begin(async (tx) => {
    await add(tx, 'of the next')
    await tx.savepoint((inner) => add(inner as TransactionSql, 'inside'))
  })
  t.same(await rows(), ['of the next', 'inside'])
})

t.test('a transaction that fails by itself after its connection has ended says why', async (t) => {
  const { sql, lose, rows, add } = await pool(t)
  const transaction = sql.begin(async (tx) => {
    await add(tx, 'first')
    await lose()
    throw new Error('not now')
  })
  await t.rejects(transaction)
  t.same(await sql.begin('read only', (tx) => tx`select 1 as one`), [{ one: 1 }])
  t.same(await rows(), [])
})

t.test('a statement that fails after some of its rows leaves nothing to the next one', async (t) => {
  const { sql, lose } = await pool(t)
  const rows = () => sql`select repeat('x', 100), 1 / (5000 - n) from generate_series(1, 10000) n`
  const one = async () => t.same([...(await sql`select 1 as one`)], [{ one: 1 }])
  await t.rejects(rows(), { code: '22012' })
  await one()
  await t.rejects(sql.unsafe('select 1 / (5000 - n) from generate_series(1, 10000) n').simple(), {
    code: '22012',
  })
  await one()
  const slow = sql`select repeat('x', 1000) from generate_series(1, 1000000) where pg_sleep(0) is not null`
  await Promise.all([t.rejects(slow, LOST), delay(100).then(lose)])
  await one()
})
