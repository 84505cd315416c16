import t from 'tap'
import { loadOf, openPool } from '../../../db/pool.js'
import { ConnectionLoad } from '../../../db/pool/pool-load.js'
import { WholeMessages } from '../../../db/pool/whole-messages.js'
import { eventually } from '../../eventually.js'
import fc from '../../properties.js'
import { testDatabase } from '../../postgres.js'

function message(type: string, content = ''): Buffer {
  const header = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  header.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([header, Buffer.from(content)])
}

/** Passes bytes in pieces. */
function pass(bytes: Buffer, piece: number, to: (bytes: Buffer) => void): void {
  for (let at = 0; at < bytes.length; at += piece) to(bytes.subarray(at, at + piece))
}

t.test('a connection is used until each of its statements is answered, however the bytes are cut', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (piece) => {
      const load = new ConnectionLoad()
      const received = new WholeMessages((type, first) => load.receive(type, first))
      const unanswered = () => load.unanswered
      const send = (...messages: Buffer[]) =>
        pass(Buffer.concat(messages), piece, (bytes) => load.send(bytes))
      const receive = (...messages: Buffer[]) =>
        pass(Buffer.concat(messages), piece, (bytes) => received.pass(bytes))
      receive(message('R', '\0\0\0\0'), message('Z', 'I'))
      if (load.isUsed) return false
      send(message('P', 'select S'), message('B'), message('S'), message('Q', 'select 1'))
      if (unanswered() !== 2) return false
      receive(message('D', 'ZZZZZI'), message('C', 'SELECT 1'), message('Z', 'I'))
      if (unanswered() !== 1 || !load.isUsed) return false
      receive(message('Z', 'T'))
      if (unanswered() !== 0 || !load.isUsed) return false
      send(message('Q', 'rollback'))
      receive(message('C', 'ROLLBACK'), message('Z', 'I'))
      return !load.isUsed
    }),
  )
  t.end()
})

t.test('the load of a pool is what its connections do', async (t) => {
  const { sql: other, connection } = await testDatabase(t)
  const sql = openPool(connection, { max: 2 })
  const now = () => {
    const { used, idle, waiting } = loadOf(sql)!
    return { used, idle, waiting }
  }
  t.same(now(), { used: 0, idle: 0, waiting: 0 }, 'before the first statement')
  await Promise.all([sql`select 1`, sql`select 1`])
  t.same(now(), { used: 0, idle: 2, waiting: 0 })
  let held: Promise<unknown> | undefined
  await other.begin(async (holder) => {
    await holder`select pg_advisory_xact_lock(1)`
    await sql.begin(async (tx) => {
      await tx`select 1`
      t.same(now(), { used: 1, idle: 1, waiting: 0 }, 'a transaction between its statements')
    })
    held = Promise.all([1, 2, 3].map(() => sql.begin((tx) => tx`select pg_advisory_xact_lock_shared(1)`)))
    await eventually(() => now().used === 2, { what: 'two busy connections' })
  })
  await held
  await eventually(() => now().used === 0, { what: 'idle connections' })
  await sql.end()
  t.same(now(), { used: 0, idle: 0, waiting: 0 }, 'closed')
})

t.test('statements that wait on a busy connection are counted', async (t) => {
  const { sql: other, connection } = await testDatabase(t)
  const sql = openPool(connection, { max: 1 })
  await sql`select 1`
  let statements: Promise<unknown> | undefined
  await other.begin(async (holder) => {
    await holder`select pg_advisory_xact_lock(1)`
    statements = Promise.all(
      [sql`select pg_advisory_xact_lock(1)`, sql`select 1`, sql`select 2`].map((each) => each.execute()),
    )
    await eventually(() => loadOf(sql)!.waiting === 2, { what: 'two statements that wait' })
  })
  await statements
  t.equal(loadOf(sql)!.waiting, 0)
  await sql.end()
})
