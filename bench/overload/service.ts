import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../free-port.js'
import { openDirectory } from '../../test/postgres-server.js'
import { HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { Target } from './load.js'

const BATCHES = 6
const BATCH_ROWS = 10_000
const PARTS = Array.from('abcdefghijklmnop', (letter) => letter.repeat(4))

const SERVER = fileURLToPath(new URL('../../server.js', import.meta.url))

/** The service in a process of its own, with a model, on an embedded PostgreSQL in a folder of its own. */
export interface MeasuredService extends Target {
  readonly pid: number
  /** Megabytes of memory now, and at most. */
  memory(): { now: number; peak: number }
  /** Seconds of CPU that it has used. */
  cpuSeconds(): number
  stop(): Promise<void>
}

export async function startMeasuredService(
  environment: Record<string, string> = {},
): Promise<MeasuredService> {
  const dataPath = await openDirectory()
  const port = await freePort()
  const child = spawn(process.execPath, [SERVER], {
    cwd: dataPath,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...{ PATH: process.env['PATH'], ML_SERVICE_PORT: String(port), DATA_PATH: dataPath },
      ...{ TRAIN_EVERY: 'off', ...environment },
    },
  })
  const ended = once(child, 'exit')
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
    await rm(dataPath, { recursive: true, force: true })
  }
  const origin = `http://127.0.0.1:${port}`
  try {
    await untilHealthy(origin)
    await post(`${origin}/generate/synthetic`, { seed: 42 })
    await post(`${origin}/train/synthetic`)
    await ingest(origin)
    await post(`${origin}/train`, { models: ['optimizer'], days: 1 })
  } catch (error) {
    await stop()
    throw error
  }
  const pid = child.pid!
  const measured = { memory: () => memoryOf(pid), cpuSeconds: () => cpuSecondsOf(pid) }
  return { host: '127.0.0.1', port, pid, ...measured, stop }
}

async function untilHealthy(origin: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if ((await fetch(`${origin}/health`).catch(() => undefined))?.ok) return
    await delay(100)
  }
  throw new Error('The service does not start.')
}

/** Requests of three hours on some hundred endpoints. */
async function ingest(origin: string): Promise<void> {
  const endMs = Date.now() - MINUTE_MS
  for (let batch = 0; batch < BATCHES; batch++) {
    const requests = Array.from({ length: BATCH_ROWS }, (_, row) => ({
      timestamp: new Date(endMs - ((batch * BATCH_ROWS + row) * 3 * HOUR_MS) / (BATCHES * BATCH_ROWS)),
      ...{ method: 'GET', path: `/api/${PARTS[row % PARTS.length]!}/${PARTS[(row >> 4) % PARTS.length]!}` },
      ...{ status_code: row % 50 === 0 ? 500 : 200, response_time_ms: 20 + (row % 60) },
      user_id: `user-${row % 300}`,
    }))
    await post(`${origin}/ingest/requests`, { requests })
  }
}

async function post(url: string, body?: object): Promise<void> {
  const json = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(url, { method: 'POST', ...json })
  if (!response.ok) throw new Error(await response.text())
}

function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN) / 1024
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') }
}

/** Ticks of a hundredth of a second, after the name in brackets. */
function cpuSecondsOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const [user, system] = fields.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) / 100
}
