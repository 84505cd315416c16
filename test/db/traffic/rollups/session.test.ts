import type { Socket } from 'node:net'
import { connect, createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { switchableProxy } from '../../../plugins/switchable-proxy.js'
import { openSql, testDatabase } from '../../../postgres.js'
import {
  equalsRebuilt,
  everything,
  insertTraffic,
  migrated,
  minutesAfterStart,
  oddTraffic,
  update,
  updateConnections,
} from '../traffic-rows.js'

t.test('while another has the lock it waits, and an abort ends the waiting', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  await insertTraffic(sql, 'request_logs', oddTraffic(100, 60, 11))
  const other = await sql.reserve()
  await other`select pg_advisory_lock(${0x61656769}, 3)`
  const stopping = new AbortController()
  const waiting = update(sql, { signal: stopping.signal })
  setTimeout(() => stopping.abort(new Error('waited long enough')), 200)
  await t.rejects(waiting, { message: 'waited long enough' })
  t.same((await everything(sql)).minutes, [])
  const patient = update(sql)
  await other`select pg_advisory_unlock(${0x61656769}, 3)`
  other.release()
  await patient
  t.not((await everything(sql)).minutes.length, 0)
})

t.test('a connection that breaks in the middle is an error, and the next update continues', async (t) => {
  const sql = await migrated((await testDatabase(t)).sql)
  // As many chunks as days, so that the connection breaks before the last of them.
  await insertTraffic(sql, 'request_logs', oddTraffic(2000, 100 * 1440, 18))
  const options = { now: minutesAfterStart(100 * 1440), retentionDays: 4000 }
  const kill = sql`select pg_terminate_backend(pid) from (${updateConnections(sql)}) locks`
  let killed: Promise<unknown> | undefined
  await t.rejects(update(sql, { ...options, onProgress: () => void (killed ??= kill.execute()) }))
  await killed
  await update(sql, options)
  await equalsRebuilt(t, sql, options.now, options.retentionDays)
})

t.test('an abort ends an update even when the server does not answer', async (t) => {
  const { sql, connection } = await testDatabase(t)
  await insertTraffic(await migrated(sql), 'request_logs', oddTraffic(2000, 10 * 1440, 19))
  const proxy = await switchableProxy(t, connection.port)
  const pool = openSql({ ...connection, port: proxy.port })
  t.teardown(() => pool.end({ timeout: 0 }))
  const stopping = new AbortController()
  const reason = new Error('enough')
  const onProgress = () => {
    proxy.pause()
    stopping.abort(reason)
  }
  const now = minutesAfterStart(10 * 1440)
  await t.rejects(update(pool, { now, retentionDays: 4000, signal: stopping.signal, onProgress }), reason)
})

t.test('wherever its connection breaks, an update ends, and the next one continues', async (t) => {
  const { sql, connection } = await testDatabase(t)
  await insertTraffic(await migrated(sql), 'request_logs', oddTraffic(50, 60, 20))
  const proxy = await breakingProxy(t, connection.port)
  let moments = 0
  for (let isDone = false; !isDone && moments < 200;) {
    proxy.breakAt(moments, moments % 2 === 0 ? 'resetAndDestroy' : 'destroy')
    // A plain pool: the connection of the update has to be safe whatever the pool is like.
    const pool = openSql({ ...connection, port: proxy.port })
    isDone = await update(pool).then(
      () => true,
      () => false,
    )
    if (!isDone) moments++
    await pool.end({ timeout: 0 })
  }
  t.ok(moments > 10 && moments < 200, `${moments} moments`)
  await equalsRebuilt(t, sql)
})

t.test('a server that ends each connection at once is an error', async (t) => {
  let accepted = 0
  const server = createServer((socket) => {
    accepted++
    socket.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const pool = openSql({ host: '127.0.0.1', port, user: 'nobody', password: '', database: 'none' })
  t.teardown(() => pool.end({ timeout: 0 }))
  await t.rejects(update(pool), { code: 'CONNECTION_CLOSED' })
  t.equal(accepted, 1)
})

type End = 'resetAndDestroy' | 'destroy'

/** Forwards to a server, and breaks the connection of an update at its n-th message, counted from its first query. */
async function breakingProxy(t: Test, targetPort: number) {
  let left = Infinity
  let end: End = 'destroy'
  const server = createServer((inside) => {
    const outside = connect(targetPort, '127.0.0.1')
    let isCounted = false
    const close = () => [inside, outside].forEach((socket: Socket) => socket.destroy())
    for (const socket of [inside, outside]) socket.on('error', () => undefined).on('close', close)
    outside.on('data', (bytes) => inside.write(bytes))
    inside.on('data', (bytes) => {
      isCounted ||= bytes.includes('pg_backend_pid')
      if (!isCounted || left-- > 0) return outside.write(bytes)
      inside[end]()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const breakAt = (message: number, how: End) => {
    left = message
    end = how
  }
  return { port: (server.address() as AddressInfo).port, breakAt }
}
