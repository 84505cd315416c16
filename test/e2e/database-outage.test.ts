import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Connection } from '../../db/embedded.js'
import { testDatabase } from '../postgres.js'
import { testService, trainOnSynthetic, USUAL, type Service } from '../service.js'
import { freePort } from './process.js'

/** A way to the database that can be cut and mended, or left hanging. */
async function createLink(t: Test, { host, port: target }: Connection, port: number) {
  const sockets = new Set<Socket>()
  let silent = false
  let server: Server | undefined
  const link = {
    async mend() {
      silent = false
      server = createServer((socket) => {
        const upstream = connect(target, host)
        for (const [from, to] of [
          [socket, upstream],
          [upstream, socket],
        ] as const) {
          sockets.add(from)
          from.on('data', (chunk) => !silent && to.write(chunk))
          from.on('error', () => undefined)
          from.on('close', () => to.destroy())
        }
      }).listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async cut() {
      server?.close()
      server = undefined
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      await delay(10)
    },
    silence: () => (silent = true),
  }
  t.teardown(() => link.cut())
  return link
}

async function eventually(t: Test, what: string, check: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await check()) return void t.pass(what)
    await delay(100)
  }
  t.fail(`${what}: not within 10 s`)
}

const status = async (service: Service) => (await service.get('/health')).body.data['status']

t.test('without its database the service judges on, says so, and recovers by itself', async (t) => {
  const { connection, sql } = await testDatabase(t)
  const port = await freePort()
  const link = await createLink(t, connection, port)
  // Away at the start.
  const service = await testService(t, {
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(port),
    POSTGRES_DB: connection.database,
  })
  t.equal(await status(service), 'degraded')
  t.equal((await service.get('/health/live')).status, 200)
  t.match(await service.get('/health/ready'), { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
  t.match(await service.post('/train'), {
    status: 503,
    body: { code: 'DATABASE_UNAVAILABLE', message: /GET \/health/ },
  })
  await trainOnSynthetic(service)

  await link.mend()
  await eventually(t, 'healthy once the database is there', async () => (await status(service)) === 'healthy')
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    select now() - i * interval '1 second', 'GET', '/', 200, 20 + i % 7 from generate_series(60, 6000) i`
  t.match((await service.post('/train')).body.data, { anomaly_detector: { trained: true } })

  // It goes away under the running service.
  await link.cut()
  t.match(await service.post('/detect', USUAL), { status: 200 })
  t.match((await service.get('/health')).body.data, { status: 'degraded', database: /^error: / })
  t.match(await service.post('/train'), { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })

  await link.mend()
  await eventually(t, 'healthy again', async () => (await status(service)) === 'healthy')
  t.match(await service.post('/train'), { status: 200 })

  // It no longer answers, which no error tells.
  link.silence()
  t.match(await service.post('/detect', USUAL), { status: 200 })
  t.match((await service.get('/health')).body.data, { status: 'degraded', database: /no answer/ })
  t.match(await service.post('/train'), { status: 503 })
  await link.cut()
})
