import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import t from 'tap'
import { createRandom } from '../../models/statistics/random.js'
import { eventually } from '../eventually.js'
import { databaseEnvironment, testDatabase, testDirectory } from '../postgres.js'
import { insertDays } from './automatic-training.js'
import { startService } from './process.js'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`
const post = (path: string, body: string, type = 'application/json') =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`

const row = JSON.stringify({
  timestamp: new Date().toISOString(),
  method: 'GET',
  path: '/a',
  status_code: 200,
})
const minute = JSON.stringify({
  ...{ requests_per_second: 50, avg_latency_ms: 45, p95_latency_ms: 90, p99_latency_ms: 135, error_rate: 0 },
})

/** Requests that take a while: their bodies, their work, or their answers. */
const REQUESTS = [
  get('/export/training-data?days=3&format=json'),
  get('/export/training-data?from=2020-01-01T00:00Z'),
  get('/export/rate-limits?format=nginx'),
  get('/timeline'),
  get('/incidents/stream'),
  get('/docs/json'),
  post('/detect/batch', `{"metrics":[${Array(2000).fill(minute).join()}]}`),
  post('/ingest/requests', `[${Array(3000).fill(row).join()}]`),
  post('/ingest/requests', Array(3000).fill(row).join('\n'), 'application/x-ndjson'),
  post('/v1/traces', `{"resourceSpans":[${Array(3000).fill('{}').join()}]}`),
  post('/train', '{"days":3,"models":["anomaly"]}'),
  post('/incidents/scan', '{"days":2}'),
  post('/optimize/backtest', '{"days":2}'),
  post('/endpoints/preview', '{"rules":{"templates":["/items/{a}"]}}'),
  post('/silences', '{"reason":"x","to":"2099-01-01T00:00:00Z"}'),
  post('/generate/synthetic', '{"duration_hours":100}'),
]

const { sql, connection } = await testDatabase(t)
const service = await startService(t, {
  ...databaseEnvironment(connection),
  ...{ DATA_PATH: await testDirectory(t), LOG_LEVEL: 'info', WATCH: 'off', TRAFFIC_TABLE: 'request_logs' },
})
await insertDays(sql, 3)

async function send(text: string): Promise<Socket> {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.resume().write(text)
  return socket
}

const lines = () =>
  service
    .output()
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as { level: number; msg: string }] : []))

/** Locks the request log, and lets a caller leave whose query waits for it. */
async function leaveWaiting(sql: Sql, text: string, query: RegExp): Promise<void> {
  const waiting = async () => {
    const rows = await sql<{ query: string }[]>`
      select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    return rows.some((each) => query.test(each.query))
  }
  const blocker = await sql.reserve()
  await blocker`begin`
  await blocker`lock table request_logs`
  try {
    const socket = await send(text)
    await eventually(waiting)
    socket.destroy()
    await eventually(async () => !(await waiting()))
  } finally {
    await blocker`rollback`
    blocker.release()
  }
}

t.test('the database gives up the work for a caller that has left', async (t) => {
  await leaveWaiting(
    sql,
    post('/endpoints/preview', '{"rules":{"templates":["/a/{b}"]}}'),
    /^\s*select upper/,
  )
  t.pass('a preview')
})

t.test('callers that leave at any moment cost information, and no failure', async (t) => {
  const { uniform: random } = createRandom(7)
  for (let round = 0; round < 4; round++) {
    const leaving = REQUESTS.map(async (text) => {
      const isCut = random() < 0.3
      const socket = await send(isCut ? text.slice(0, Math.floor(text.length * random())) : text)
      await delay(500 * random() ** 2)
      if (random() < 0.5) socket.resetAndDestroy()
      else socket.destroy()
    })
    await Promise.all(leaving)
  }
  const response = await fetch(`${service.url}/health/ready`, { signal: AbortSignal.timeout(60_000) })
  t.equal(response.status, 200)
  await eventually(() => lines().some(({ msg }) => msg === 'client closed the connection'))
  t.same(
    lines().filter(({ level }) => level >= 50),
    [],
  )
  t.notMatch(service.output(), /"statusCode":5/)
})
