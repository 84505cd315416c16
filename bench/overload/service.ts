import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDirectory } from '../../test/postgres-server.js'
import type { Target } from './load.js'

const SERVER = fileURLToPath(new URL('../../server.js', import.meta.url))

/** The service in a process of its own, with a model, on an embedded PostgreSQL in a folder of its own. */
export interface MeasuredService extends Target {
  readonly pid: number
  /** Megabytes of memory now, and at most. */
  memory(): { now: number; peak: number }
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
  } catch (error) {
    await stop()
    throw error
  }
  return { host: '127.0.0.1', port, pid: child.pid!, memory: () => memoryOf(child.pid!), stop }
}

async function untilHealthy(origin: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if ((await fetch(`${origin}/health`).catch(() => undefined))?.ok) return
    await delay(100)
  }
  throw new Error('The service does not start.')
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
