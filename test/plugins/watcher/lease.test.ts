import t, { type Test } from 'tap'
import { ONE_CONNECTION } from '../../../db/pool.js'
import { LOCKS } from '../../../db/lease.js'
import { createLease } from '../../../plugins/watcher/lease.js'
import { eventually } from '../../eventually.js'
import { openSql, testDatabase } from '../../postgres.js'

async function leases(t: Test) {
  const { sql, connection } = await testDatabase(t)
  const lease = (beatMs?: number) => {
    const made = createLease(() => openSql(connection, ONE_CONNECTION), LOCKS.watcher, beatMs)
    t.teardown(() => made.release())
    return made
  }
  /** The session that has the lock. */
  const holder = async () =>
    (
      await sql<{ pid: number; changed: Date }[]>`
        select pid, state_change as changed from pg_stat_activity join pg_locks using (pid)
        where locktype = 'advisory' and datname = current_database()`
    )[0]
  return { sql, lease, holder }
}

t.test('one of two has it, and the other one takes over when the connection is cut', async (t) => {
  const { sql, lease, holder } = await leases(t)
  const [one, two] = [lease(), lease()]
  t.equal(await one.hold(), true)
  t.equal(await two.hold(), false)
  t.equal(await one.hold(), true)
  await sql`select pg_terminate_backend(${(await holder())!.pid})`
  await eventually(async () => (await holder()) === undefined)
  t.equal(await two.hold(), true)
  t.equal(await one.hold().catch(() => false), false)
  await two.release()
  t.equal(await one.hold(), true)
})

t.test('the server hears from a holder also while it works for long', async (t) => {
  const { lease, holder } = await leases(t)
  t.equal(await lease(10).hold(), true)
  const before = (await holder())!
  await eventually(async () => (await holder())!.changed > before.changed)
  t.equal((await holder())!.pid, before.pid)
})
