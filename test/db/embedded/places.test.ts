import { chmod, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { readEmbeddedConnection, startEmbeddedPostgres } from '../../../db/embedded/embedded-postgres.js'
import { findBinaries } from '../../../db/embedded/binaries.js'
import { serverAccount } from '../../../db/embedded/account.js'
import { run } from '../../../db/embedded/processes.js'
import { openSql, silentLog, testDirectory } from '../../postgres.js'

const isRoot = process.getuid?.() === 0

t.test(
  'below a directory that is closed to others the server starts all the same, and keeps its data',
  async (t) => {
    const closed = await testDirectory(t)
    await chmod(closed, 0o700)
    const dataPath = join(closed, 'data')
    const pointer = join(dataPath, 'postgres', 'location')
    const first = await startEmbeddedPostgres({ dataPath, log: silentLog })
    const sql = openSql(first.connection)
    const [row] = await sql<{ directory: string }[]>`select current_setting('data_directory') as directory`
    await sql`create table kept as select 42 as answer`
    await sql.end()
    t.strictSame(await readEmbeddedConnection(dataPath), first.connection)
    await first.stop()
    if (isRoot) {
      const elsewhere = (await readFile(pointer, 'utf8')).trim()
      t.teardown(() => rm(elsewhere, { recursive: true, force: true }))
      t.equal(dirname(elsewhere), '/var/lib/aegis-ml')
      t.equal(row!.directory, join(elsewhere, 'data'))
    } else {
      t.equal(row!.directory, join(dataPath, 'postgres', 'data'))
    }

    const second = await startEmbeddedPostgres({ dataPath, log: silentLog })
    const after = openSql(second.connection)
    t.strictSame([...(await after`select answer from kept`)], [{ answer: 42 }])
    await after.end()
    await second.stop()
  },
)

t.test(
  'a database whose temporary DATA_PATH is gone is removed when the next is put elsewhere',
  async (t) => {
    const closed = await testDirectory(t)
    await chmod(closed, 0o700)
    const places: (string | undefined)[] = []
    for (const name of ['first', 'second']) {
      const dataPath = join(closed, name)
      const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
      await server.stop()
      const pointer = await readFile(join(dataPath, 'postgres', 'location'), 'utf8').catch(() => undefined)
      places.push(pointer?.trim())
      if (name === 'first') await rm(dataPath, { recursive: true })
    }
    const [first, second] = places
    t.equal(second !== undefined, isRoot)
    if (first === undefined || second === undefined) return
    t.teardown(() => rm(second, { recursive: true, force: true }))
    await t.rejects(stat(first), { code: 'ENOENT' })
    t.same((await readdir(second)).sort(), ['belongs-to', 'data'])
  },
)

t.test('programs that their user cannot reach are copied once to where it can', async (t) => {
  const closed = await testDirectory(t)
  await chmod(closed, 0o700)
  const account = await serverAccount(join(closed, 'data'), silentLog)
  const installed = await findBinaries(undefined, silentLog)
  const root = join(closed, 'native')
  await mkdir(root)
  const { ok } = await run('cp', ['-a', `${dirname(dirname(installed.postgres))}/.`, root])
  t.ok(ok)
  const shared = join(await testDirectory(t), 'shared')
  await mkdir(shared)
  await chmod(shared, 0o755)
  const installation = { root, version: '0.0.0' }
  const copied = await findBinaries(account, silentLog, { installation, shared })
  t.equal(copied.postgres, join(isRoot ? join(shared, 'postgresql-0.0.0') : root, 'bin', 'postgres'))
  t.match(await run(copied.postgres, ['--version'], account), { ok: true, stdout: /PostgreSQL/ })
  t.same(await findBinaries(account, silentLog, { installation, shared }), copied, 'the copy is used again')
  t.equal((await readdir(shared)).length, isRoot ? 1 : 0)
})

t.test('programs that do not run are named in the error', async (t) => {
  const root = await testDirectory(t)
  const installation = { root, version: '0.0.0' }
  const shared = await testDirectory(t)
  await t.rejects(findBinaries(undefined, silentLog, { installation, shared }), {
    message: new RegExp(`The built-in PostgreSQL does not run \\(${root}/bin/postgres: .*POSTGRES_HOST`),
  })
})
