import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Scope } from '../scope.js'
import { eventually } from '../eventually.js'

const SERVER = fileURLToPath(new URL('../../server.js', import.meta.url))

/** The service as a process of its own, as `npm start` runs it. */
export interface ServiceProcess {
  child: ChildProcess
  url: string
  /** All that it has written so far. */
  output(): string
  /** Signals and waits for the end; its exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts the service with nothing of our own environment but the PATH; does not wait for it. */
export async function spawnService(t: Scope, environment: Record<string, string>): Promise<ServiceProcess> {
  const port = environment['ML_SERVICE_PORT'] ?? (await freePort())
  const child = spawn(process.execPath, [SERVER], {
    cwd: environment['DATA_PATH'] ?? process.cwd(),
    env: {
      ...{ PATH: process.env['PATH'], ML_SERVICE_PORT: String(port), LOG_LEVEL: 'warn', TRAIN_EVERY: 'off' },
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  const end = async (signal: NodeJS.Signals): Promise<number | string> => {
    child.kill(signal)
    const [code, endedBy] = await closed
    return code ?? endedBy!
  }
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) await end('SIGTERM')
  })
  return { child, url: `http://127.0.0.1:${port}`, output: () => output, end }
}

/** Starts the service and waits until it answers. */
export async function startService(t: Scope, environment: Record<string, string>): Promise<ServiceProcess> {
  const service = await spawnService(t, environment)
  await eventually(
    async () => {
      if (service.child.exitCode !== null) throw new Error(`The service ended: ${service.output()}`)
      return (await fetch(`${service.url}/health`).catch(() => undefined))?.ok
    },
    { what: `an answer of the service at ${service.url}` },
  )
  return service
}

/** An answer, parsed. */
export interface JsonAnswer {
  status: number
  body: {
    data: Record<string, unknown>
    warnings?: string[]
    code?: string
    message?: string
    details?: unknown
  }
}

/** Posts JSON, or nothing. */
export const post = (url: string, body?: object) => send('POST', url, body)

export const put = (url: string, body: object) => send('PUT', url, body)

function send(method: string, url: string, body?: object): Promise<JsonAnswer> {
  const content = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return ask(url, { method, ...content })
}

export const get = (url: string) => ask(url)

export const remove = (url: string) => ask(url, { method: 'DELETE' })

async function ask(url: string, options?: RequestInit): Promise<JsonAnswer> {
  const response = await fetch(url, options)
  return { status: response.status, body: (await response.json()) as JsonAnswer['body'] }
}
