import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readEmbeddedConnection, startEmbeddedPostgres } from '../../../db/embedded/embedded-postgres.js'
import { eventually } from '../../e2e/eventually.js'
import { postmasterPid, serversBelow } from './holder.js'
import { openSql, silentLog, testDirectory } from '../../postgres.js'

t.test('a first start makes a database that only its password opens', async (t) => {
  const dataPath = await testDirectory(t)
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  t.teardown(() => server.stop())
  const { connection } = server
  t.match(connection, { host: '127.0.0.1', user: 'aegis_user', database: 'aegis' })
  const sql = openSql(connection)
  t.teardown(() => sql.end({ timeout: 1 }))
  const [row] = await sql`
    select current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets,
      current_setting('server_encoding') as encoding, datlocale as locale
    from pg_database where datname = current_database()`
  t.strictSame({ ...row }, { addresses: '127.0.0.1', sockets: '', encoding: 'UTF8', locale: 'C.UTF-8' })
  const stranger = openSql({ ...connection, password: 'wrong' })
  t.teardown(() => stranger.end({ timeout: 1 }))
  await t.rejects(stranger`select 1`, { code: '28P01' })
  const password = join(dataPath, 'postgres', 'password')
  t.equal((await stat(password)).mode & 0o777, 0o600)
  t.equal((await readFile(password, 'utf8')).trim(), connection.password)
})

t.test('a later start has the data, and after stop no process is left', async (t) => {
  const dataPath = await testDirectory(t)
  const first = await startEmbeddedPostgres({ dataPath, log: silentLog })
  const before = openSql(first.connection)
  await before`create table kept as select 42 as answer`
  await before.end()
  await Promise.all([first.stop(), first.stop()])
  t.strictSame(await serversBelow(dataPath), [])

  const second = await startEmbeddedPostgres({ dataPath, log: silentLog })
  const after = openSql(second.connection)
  t.strictSame([...(await after`select answer from kept`)], [{ answer: 42 }])
  t.equal(second.connection.password, first.connection.password)
  await after.end()
  await second.stop()
  t.strictSame(await serversBelow(dataPath), [])
  t.strictSame(
    (await readdir(join(dataPath, 'postgres'))).sort(),
    ['data', 'password'],
    'no lock, no leftovers',
  )
})

t.test('a tool finds the running server by DATA_PATH, and is told when there is none', async (t) => {
  const dataPath = await testDirectory(t)
  await t.rejects(readEmbeddedConnection(dataPath), {
    message: /No embedded PostgreSQL runs on .*: start the service/,
  })
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  t.strictSame(await readEmbeddedConnection(dataPath), server.connection)
  await server.stop()
  await t.rejects(readEmbeddedConnection(dataPath), { message: /start the service first/ })
})

t.test('a server that is killed under the service is started again on its port', async (t) => {
  const dataPath = await testDirectory(t)
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  t.teardown(() => server.stop())
  const sql = openSql(server.connection)
  t.teardown(() => sql.end({ timeout: 1 }))
  await sql`create table kept as select 42 as answer`
  const data = join(dataPath, 'postgres', 'data')
  const killed = await postmasterPid(data)
  process.kill(killed, 'SIGKILL')
  await eventually(() =>
    sql`select answer from kept`.then(
      async () => (await postmasterPid(data)) !== killed,
      () => false,
    ),
  )
  // The owner's lock is back too: what keeps a second service out.
  await eventually(async () => {
    const rows = await sql`select 1 from pg_locks where locktype = 'advisory' and granted`
    return rows.length === 1
  })
  t.same([...(await sql`select answer from kept`)], [{ answer: 42 }])
  await server.stop()
  t.strictSame(await serversBelow(dataPath), [])
})

t.test('a stop while the server is being started again leaves nothing', async (t) => {
  const dataPath = await testDirectory(t)
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  process.kill(await postmasterPid(join(dataPath, 'postgres', 'data')), 'SIGKILL')
  await server.stop()
  t.strictSame(await serversBelow(dataPath), [])
  const again = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await again.stop()
  t.strictSame(await serversBelow(dataPath), [])
})

t.test('a process file whose number now belongs to another process is no obstacle', async (t) => {
  const dataPath = await testDirectory(t)
  const data = join(dataPath, 'postgres', 'data')
  const first = await startEmbeddedPostgres({ dataPath, log: silentLog })
  const file = join(data, 'postmaster.pid')
  const left = (await readFile(file, 'utf8')).split('\n')
  await first.stop()
  await writeFile(file, [String(process.pid), ...left.slice(1)].join('\n'))
  const second = await startEmbeddedPostgres({ dataPath, log: silentLog })
  t.not(await postmasterPid(data), process.pid)
  await second.stop()
})

t.test('a database without its password file is not replaced by an empty one', async (t) => {
  const dataPath = await testDirectory(t)
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await server.stop()
  const password = join(dataPath, 'postgres', 'password')
  const stored = await readFile(password, 'utf8')
  await writeFile(password, '')
  await t.rejects(startEmbeddedPostgres({ dataPath, log: silentLog }), {
    message: /password .* is missing: restore /,
  })
  await writeFile(password, stored)
  const again = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await again.stop()
})

t.test('what PostgreSQL refuses is in the error, and nothing is left running or locked', async (t) => {
  const dataPath = await testDirectory(t)
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await server.stop()
  const version = join(dataPath, 'postgres', 'data', 'PG_VERSION')
  const stored = await readFile(version, 'utf8')
  await writeFile(version, '9.6\n')
  await t.rejects(startEmbeddedPostgres({ dataPath, log: silentLog }), {
    message: /did not start: FATAL: .*incompatible/,
  })
  await writeFile(version, stored)
  const again = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await again.stop()
})
