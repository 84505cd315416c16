import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { readEmbeddedConnection } from '../db/embedded/embedded-postgres.js'
import { quantile } from '../models/statistics/quantile.js'
import { openDirectory } from '../test/postgres-server.js'
import type { Benchmark } from './benchmark.js'

const SERVER = fileURLToPath(new URL('../server.js', import.meta.url))
const PORT = 5990
const ORIGIN = `http://127.0.0.1:${PORT}`
const ROWS = 1_000_000
const REQUESTS_PER_SECOND = 200
const WINDOW_SECONDS = 10

const MINUTE = JSON.stringify({
  requests_per_second: 2,
  avg_latency_ms: 45,
  p95_latency_ms: 60,
  p99_latency_ms: 66,
  error_rate: 0.01,
})

/** 99th percentile of the latency of /detect under a moderate, steady load: alone, and during continuous training. */
export const detectWhileTraining: Benchmark = {
  name: 'detect while training, p99',
  async prepare() {
    const dataPath = await openDirectory()
    const service = spawn(process.execPath, [SERVER], {
      stdio: 'ignore',
      env: { ...process.env, ML_SERVICE_PORT: String(PORT), DATA_PATH: dataPath, LOG_LEVEL: 'silent' },
    })
    await untilHealthy()
    const sql = postgres({ ...(await readEmbeddedConnection(dataPath)), onnotice: () => undefined })
    await sql`insert into request_logs
        (timestamp, method, path, status_code, response_time_ms, user_id, ip_address)
      select now() - i * interval '604 milliseconds', 'GET', '/api/items/' || i % 5000,
        case when i % 97 = 0 then 500 else 200 end, 30 + i * 7919 % 41, 'user-' || i % 2000, '10.0.0.1'
      from generate_series(1, ${ROWS}) i`
    await sql`analyze request_logs`
    await train()
    const measure = (beside: (signal: AbortSignal) => Promise<void>) => async () => {
      const over = new AbortController()
      const other = beside(over.signal)
      await delay(500)
      const latencies = await load()
      over.abort()
      await other
      return quantile(latencies, 0.99)
    }
    const trainOnAndOn = async (signal: AbortSignal) => {
      while (!signal.aborted) {
        await sql`truncate aegis_ml_rollup_minutes, aegis_ml_rollup_endpoint_minutes, aegis_ml_rollup_state`
        await train()
      }
    }
    return {
      comparisons: [
        {
          rows: REQUESTS_PER_SECOND,
          target: 0.5,
          repetitions: 5,
          reference: { name: 'no training', measure: measure(async () => undefined) },
          candidate: { name: 'training', measure: measure(trainOnAndOn) },
        },
      ],
      async finish() {
        await sql.end()
        service.kill('SIGTERM')
        await new Promise((resolve) => service.once('exit', resolve))
        await rm(dataPath, { recursive: true, force: true })
      },
    }
  },
}

async function untilHealthy(): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if ((await fetch(`${ORIGIN}/health`).catch(() => undefined))?.ok) return
    await delay(100)
  }
  throw new Error('The service does not start.')
}

async function train(): Promise<void> {
  const response = await fetch(`${ORIGIN}/train`, { method: 'POST' })
  if (!response.ok) throw new Error(await response.text())
}

const agent = new Agent({ keepAlive: true })

/** Milliseconds from the scheduled time of each request, so that a stalled service cannot hide the delay. */
async function load(): Promise<Float64Array> {
  const requests: Promise<number>[] = []
  const start = performance.now()
  for (let index = 0; index < REQUESTS_PER_SECOND * WINDOW_SECONDS; index++) {
    const due = start + (index * 1000) / REQUESTS_PER_SECOND
    const early = due - performance.now()
    if (early > 0) await delay(early)
    requests.push(detect().then(() => performance.now() - due))
  }
  return Float64Array.from(await Promise.all(requests))
}

function detect(): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': MINUTE.length }
    request(`${ORIGIN}/detect`, { method: 'POST', agent, headers }, (response) => {
      response.resume().once('end', resolve)
    })
      .once('error', reject)
      .end(MINUTE)
  })
}
