import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startEmbeddedPostgres } from '../../../db/embedded/embedded-postgres.js'
import { openSql, silentLog, testDirectory } from '../../postgres.js'
import { eventually } from '../../e2e/eventually.js'
import { serversBelow, startHolder } from './holder.js'

t.test('a second service on the same DATA_PATH refuses to start and says why', async (t) => {
  const dataPath = await testDirectory(t)
  const first = startHolder(t, dataPath)
  const { connection } = await first.answer
  await t.rejects(startEmbeddedPostgres({ dataPath, log: silentLog }), {
    message: new RegExp(
      `Another aegis-ml service \\(process ${first.child.pid} on .*\\) is using ${dataPath}`,
    ),
  })
  const sql = openSql(connection!)
  t.strictSame([...(await sql`select 1 as alive`)], [{ alive: 1 }], 'the first goes on')
  await sql.end()
  t.equal(await first.stop(), 0)
})

t.test('the server itself tells of its service where the lock file is gone', async (t) => {
  const dataPath = await testDirectory(t)
  const home = join(dataPath, 'postgres')
  const first = startHolder(t, dataPath)
  await first.answer
  for (const name of await readdir(home)) {
    if (name.endsWith('.lock')) await rm(join(home, name))
  }
  await t.rejects(startEmbeddedPostgres({ dataPath, log: silentLog }), {
    message: new RegExp(
      `Another aegis-ml service \\(aegis-ml service, process ${first.child.pid}\\) is using`,
    ),
  })
  t.equal((await serversBelow(dataPath)).length, 1, 'the first goes on')
})

t.test('of services that start at the same instant exactly one wins', async (t) => {
  const dataPath = await testDirectory(t)
  const holders = Array.from({ length: 3 }, () => startHolder(t, dataPath))
  const answers = await Promise.all(holders.map((holder) => holder.answer))
  t.equal(answers.filter(({ connection }) => connection !== undefined).length, 1)
  for (const { error } of answers) {
    if (error !== undefined) t.match(error, /Another aegis-ml service .* is using/)
  }
  t.equal((await serversBelow(dataPath)).length, 1)
})

t.test('a second service refuses while the first is still in initdb', async (t) => {
  const dataPath = await testDirectory(t)
  const first = startEmbeddedPostgres({ dataPath, log: silentLog })
  await eventually(async () =>
    (await readdir(join(dataPath, 'postgres')).catch(() => [])).some((name) => name.endsWith('.lock')),
  )
  await t.rejects(startEmbeddedPostgres({ dataPath, log: silentLog }), {
    message: /Another aegis-ml service \(.*\) is using/,
  })
  await (await first).stop()
})

t.test('a lock whose process number now belongs to another process is no obstacle', async (t) => {
  const dataPath = await testDirectory(t)
  const home = join(dataPath, 'postgres')
  const holder = startHolder(t, dataPath)
  await holder.answer
  await holder.kill()
  const name = (await readdir(home)).find((name) => name.endsWith('.lock'))!
  const dead = { pid: process.pid, host: 'elsewhere', space: 'another machine', start: '1' }
  await writeFile(join(home, name), JSON.stringify(dead))
  const server = await startEmbeddedPostgres({ dataPath, log: silentLog })
  await server.stop()
  t.notOk((await readdir(home)).some((name) => name.endsWith('.lock')))
})
