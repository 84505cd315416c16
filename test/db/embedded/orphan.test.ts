import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startEmbeddedPostgres } from '../../../db/embedded/embedded-postgres.js'
import { exists } from '../../../db/embedded/places.js'
import { openSql, silentLog, testDirectory } from '../../postgres.js'
import { eventually } from '../../e2e/eventually.js'
import { postmasterPid, serversBelow, startHolder } from './holder.js'

t.test('a server orphaned by a killed service is replaced, with its data', async (t) => {
  const dataPath = await testDirectory(t)
  const data = join(dataPath, 'postgres', 'data')
  const holder = startHolder(t, dataPath)
  const { connection } = await holder.answer
  const before = openSql(connection!)
  await before`create table kept as select 42 as answer`
  await before.end()
  const orphan = await postmasterPid(data)
  await holder.kill()
  t.strictSame(await serversBelow(dataPath), [orphan], 'it lives on')

  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  t.not(await postmasterPid(data), orphan)
  const after = openSql(server.connection)
  t.strictSame([...(await after`select answer from kept`)], [{ answer: 42 }])
  await after.end()
  await server.stop()
  t.strictSame(await serversBelow(dataPath), [])
})

t.test('a service and its server killed together leave a database that starts', async (t) => {
  const dataPath = await testDirectory(t)
  const holder = startHolder(t, dataPath)
  await holder.answer
  process.kill(await postmasterPid(join(dataPath, 'postgres', 'data')), 'SIGKILL')
  await holder.kill()
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await server.stop()
  t.strictSame(await serversBelow(dataPath), [])
})

t.test('a service killed at any moment of its first start leaves something that starts', async (t) => {
  for (const afterMs of [200, 500, 800]) {
    const dataPath = await testDirectory(t)
    const holder = startHolder(t, dataPath)
    await delay(afterMs)
    await holder.kill()
    const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
    const sql = openSql(server.connection)
    t.strictSame([...(await sql`select current_database() as name`)], [{ name: 'aegis' }])
    await sql.end()
    await server.stop()
    t.strictSame(await serversBelow(dataPath), [], `killed after ${afterMs} ms`)
  }
})

t.test('leftovers of an interrupted initdb are removed', async (t) => {
  const dataPath = await testDirectory(t)
  const holder = startHolder(t, dataPath)
  const home = join(dataPath, 'postgres')
  await eventually(async () => {
    const names = await readdir(home).catch(() => [])
    const unfinished = names.find((name) => name.startsWith('new-'))
    return unfinished !== undefined && (await exists(join(home, unfinished, 'data')))
  })
  await holder.kill()
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await server.stop()
  t.strictSame((await readdir(home)).sort(), ['data', 'password'])
})
