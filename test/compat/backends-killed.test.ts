import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { get, post, startService } from '../e2e/process.js'
import { insertMinutes } from '../e2e/traffic.js'
import { eventually } from '../eventually.js'
import { databaseEnvironment, testDirectory } from '../postgres.js'
import { connectTo, startTestServer } from '../postgres-server.js'

const KILLS = 50
const ROWS = 200

t.test('the service survives the end of all its backends, and keeps what it has acknowledged', async (t) => {
  const server = await startTestServer()
  const { connection } = server
  const sql = connectTo(connection, { max: 1 })
  t.teardown(async () => {
    await sql.end({ timeout: 1 })
    await server.stop()
  })
  const environment = { ...databaseEnvironment(connection), DATA_PATH: await testDirectory(t) }
  const service = await startService(t, environment)
  const isReady = async () => (await fetch(`${service.url}/health/ready`)).ok
  await eventually(isReady)
  await insertMinutes(sql, 300)

  let running = true
  const acknowledged = new Set<string>()
  const timestamp = new Date().toISOString()
  const repeat = async (work: (round: number) => Promise<unknown>) => {
    for (let round = 0; running; round++) await work(round)
  }
  const send = (sender: string) =>
    repeat(async (round) => {
      const id = `${sender}-${round}`
      const requests = Array(ROWS).fill({ timestamp, method: 'GET', path: `/${id}`, status_code: 200 })
      const batch = { batch_id: id, requests }
      // Sent again until it is acknowledged, as a gateway does.
      while (running) {
        if ((await post(`${service.url}/ingest/requests`, batch)).status === 202) return acknowledged.add(id)
        await delay(20)
      }
      return undefined
    })
  const load = [
    send('a'),
    send('b'),
    repeat(() => post(`${service.url}/train`, { days: 1 })),
    repeat(async () => (await fetch(`${service.url}/export/training-data?days=1`)).text().catch(() => '')),
    repeat(() => get(`${service.url}/health`)),
  ]
  const failed: string[] = []
  for (const each of load) each.catch((error: Error) => failed.push(error.message))

  let longestMs = 0
  for (let kill = 0; kill < KILLS; kill++) {
    await delay(10 + ((kill * 37) % 200))
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where pid <> pg_backend_pid() and datname = current_database()`
    const since = performance.now()
    await eventually(isReady, { what: `a service that is ready after kill ${kill}`, limitMs: 60_000 })
    longestMs = Math.max(longestMs, performance.now() - since)
  }
  t.comment(`ready within ${Math.round(longestMs)} ms each time`)
  running = false
  await Promise.allSettled(load)
  t.same(failed, [], 'every request is answered')
  t.equal(service.child.exitCode, null, 'the service runs')
  t.notMatch(service.output(), /stopping after an error|INTERNAL_ERROR/)

  const stored = await sql<{ id: string; count: number }[]>`
    select substr(path, 2) as id, count(*)::int from request_logs where path ~ '^/[ab]-' group by 1`
  const counts = new Map(stored.map(({ id, count }) => [id, count]))
  t.ok(acknowledged.size > 0, 'batches were acknowledged')
  t.ok(
    [...acknowledged].every((id) => counts.get(id) === ROWS),
    'what was acknowledged is there, once',
  )
  t.ok(
    stored.every(({ count }) => count === ROWS),
    'what is there is whole',
  )
})
