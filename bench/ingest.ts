import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import postgres from 'postgres'
import { migrate } from '../db/migrate.js'
import type { Connection } from '../db/pool.js'
import { freePort } from './free-port.js'
import { openDirectory, startTestServer } from '../test/postgres-server.js'
import type { Benchmark } from './benchmark.js'
import { psqlInstalled, timedPsql } from './psql.js'

const SERVER = fileURLToPath(new URL('../server.js', import.meta.url))
const BATCHES = 100
const BATCH = 10_000
const SENDERS = 4
const COLUMNS = 'timestamp, method, path, status_code, response_time_ms, user_id, ip_address, user_agent'
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** One request of a minute's traffic, with the values that both sides store. */
function requestOf(index: number, startMs: number) {
  return {
    timestamp: new Date(startMs + index).toISOString(),
    method: index % 5 === 0 ? 'POST' : 'GET',
    path: `/api/v1/users/${(index * 7919) % 10_000}/orders`,
    status_code: index % 50 === 0 ? 500 : 200,
    response_time_ms: (index * 31) % 400,
    user_id: `user-${(index * 104_729) % 5000}`,
    ip_address: `10.${index % 200}.${(index >> 8) % 200}.7`,
    user_agent: AGENT,
  }
}

/** A million requests as gzip NDJSON from four senders, against psql that copies the same rows from a file. */
export const ingest: Benchmark = {
  name: 'ingest',
  async prepare() {
    if (!psqlInstalled()) return { skipped: 'psql is not installed.' }
    const server = await startTestServer()
    const directory = await openDirectory()
    const { host, port, user, password, database } = server.connection
    const sql = postgres({ host, port, username: user, password, database, onnotice: () => undefined })
    await migrate(sql)
    const file = join(directory, 'rows.tsv')
    const bodies = await writeRows(file)
    const service = await startService(server.connection, directory)
    await sendAll(service.url, bodies, 'warm-up')
    const emptied = async (run: () => number | Promise<number>) => {
      await sql`truncate request_logs, aegis_ml_touched_ranges`
      await sql`checkpoint`
      return run()
    }
    let pass = 0
    const candidate = () => emptied(() => sendAll(service.url, bodies, `pass ${pass++}`))
    const before = rssMb(service.process)
    const copy = () => timedPsql(server.connection, `\\copy request_logs (${COLUMNS}) from '${file}'`)
    return {
      comparisons: [
        {
          rows: BATCHES * BATCH,
          reference: { name: 'psql \\copy', measure: () => emptied(copy) },
          candidate: { name: 'gzip NDJSON', measure: candidate },
          target: 0.7,
          repetitions: 3,
        },
        {
          rows: BATCHES * BATCH,
          unit: 'MB',
          reference: { name: 'memory of the service before', measure: () => before },
          candidate: { name: 'after', measure: () => rssMb(service.process) },
          repetitions: 1,
        },
      ],
      async finish() {
        service.process.kill('SIGTERM')
        await once(service.process, 'exit')
        await sql.end()
        await server.stop()
        await rm(directory, { recursive: true })
      },
    }
  },
}

/** The rows as a file for COPY, and as compressed batches. */
async function writeRows(file: string): Promise<Buffer[]> {
  const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 2 * BATCHES * BATCH
  const output = createWriteStream(file)
  const bodies: Buffer[] = []
  for (let batch = 0; batch < BATCHES; batch++) {
    const rows = Array.from({ length: BATCH }, (_, index) => requestOf(batch * BATCH + index, startMs))
    bodies.push(gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join('')))
    const text = rows.map((row) => `${Object.values(row).join('\t')}\n`).join('')
    if (!output.write(text)) await once(output, 'drain')
  }
  await new Promise<void>((resolve) => output.end(resolve))
  return bodies
}

/** Sends all bodies, some at a time. @returns milliseconds */
async function sendAll(url: string, bodies: readonly Buffer[], source: string): Promise<number> {
  const start = performance.now()
  const waiting = [...bodies]
  const sender = async () => {
    for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) {
      const response = await fetch(`${url}/ingest/requests?source=${encodeURIComponent(source)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
        body: new Uint8Array(body),
      })
      const answer = await response.text()
      if (response.status !== 202) throw new Error(`The service has answered ${response.status}: ${answer}`)
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
  return performance.now() - start
}

async function startService(connection: Connection, directory: string) {
  const port = await freePort()
  const child = spawn(process.execPath, [SERVER], {
    env: {
      PATH: process.env['PATH'],
      ...{ POSTGRES_HOST: connection.host, POSTGRES_PORT: String(connection.port) },
      ...{ POSTGRES_USER: connection.user, POSTGRES_PASSWORD: connection.password },
      POSTGRES_DB: connection.database,
      ML_SERVICE_PORT: String(port),
      DATA_PATH: directory,
      MODEL_PATH: join(directory, 'models'),
      LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  for (let attempt = 0; attempt < 600; attempt++) {
    const ready = await fetch(`${url}/health/ready`).catch(() => undefined)
    if (ready?.ok) return { process: child, url }
    await delay(100)
  }
  child.kill('SIGKILL')
  throw new Error('The service is not ready after a minute.')
}

/** Resident memory, as Linux counts it. */
function rssMb({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}
