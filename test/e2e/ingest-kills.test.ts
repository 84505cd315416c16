import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { databaseEnvironment, testDatabase, testDirectory } from '../postgres.js'
import { testService } from '../service.js'
import { freePort, post, startService } from './process.js'

const BATCHES = 40
const ROWS = 500

t.test('kill -9 in the midst of batches: sent again, each is there once and whole', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const environment = {
    ...databaseEnvironment(connection),
    DATA_PATH: await testDirectory(t),
  }
  const timestamp = new Date().toISOString()
  const batches = Array.from({ length: BATCHES }, (_, index) => ({
    batch_id: `batch ${index}`,
    requests: Array(ROWS).fill({ timestamp, method: 'GET', path: `/${index}`, status_code: 200 }),
  }))
  const acknowledged = new Set<string>()
  /** Three at a time, until all are acknowledged or the service is gone. */
  const send = async (url: string) => {
    const waiting = batches.filter(({ batch_id }) => !acknowledged.has(batch_id))
    const sender = async () => {
      for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
        const { status } = await post(`${url}/ingest/requests`, batch)
        if (status === 202) acknowledged.add(batch.batch_id)
      }
    }
    await Promise.allSettled([sender(), sender(), sender()])
  }
  for (let round = 0; round < 3; round++) {
    const service = await startService(t, environment)
    const sending = send(service.url)
    await delay(60 + 70 * round)
    await service.end('SIGKILL')
    await sending
    const found = await sql<{ path: string; count: number }[]>`
      select path, count(*)::int from request_logs group by path`
    t.ok(
      found.every(({ count }) => count === ROWS),
      `after round ${round} ${found.length} batches are there, each whole`,
    )
    const paths = new Set(found.map(({ path }) => `batch ${path.slice(1)}`))
    t.ok(
      [...acknowledged].every((id) => paths.has(id)),
      'what was acknowledged is among them',
    )
  }
  const service = await startService(t, environment)
  await send(service.url)
  t.equal(acknowledged.size, BATCHES)
  t.match(await sql`select count(*)::int from request_logs`, [{ count: BATCHES * ROWS }])
})

t.test('without a database a batch is refused, to be sent again', async (t) => {
  const service = await testService(t, { POSTGRES_PORT: String(await freePort()) })
  const requests = [{ timestamp: new Date().toISOString(), method: 'GET', path: '/', status_code: 200 }]
  t.match(await service.post('/ingest/requests', { batch_id: 'a', requests }), {
    status: 503,
    body: { code: 'DATABASE_UNAVAILABLE' },
  })
})
