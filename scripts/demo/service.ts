import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface Service {
  readonly url: string
  /** Rejects when the service ends unexpectedly; never resolves. */
  readonly died: Promise<never>
  /** Stops the service and waits for its end. */
  stop(): Promise<void>
}

const SERVER = fileURLToPath(new URL('../../server.js', import.meta.url))
const USUAL_PORT = 5000
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 25_000
const KEPT_LINES = 15
const WARN = 40

/** Of the user's environment, the demo's service gets only this: settings of the user's own service are not its own. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'NODE_OPTIONS', 'SYSTEMROOT']

/** The default port of the service if it is free, otherwise any free port. */
export async function choosePort(): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number>((resolve, reject) => {
      const server = createServer()
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        const { port: got } = server.address() as AddressInfo
        server.close(() => resolve(got))
      })
    })
  return tryPort(USUAL_PORT).catch(() => tryPort(0))
}

/**
 * Starts the service as a user would, in its own process. It has its own process group, so that Ctrl-C reaches only the
 * demo, which then stops the service.
 * @param settings environment variables; DATA_PATH is the working directory, which has no .env
 * @param onWarning called with each message that the service logs at level warn or above, but those of incidents
 */
export async function startService(options: {
  port: number
  settings: { DATA_PATH: string } & Readonly<Record<string, string>>
  onWarning: (message: string) => void
}): Promise<Service> {
  const { port, settings, onWarning } = options
  await mkdir(settings.DATA_PATH, { recursive: true })
  const inherited = INHERITED.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : []))
  const child = spawn(process.execPath, [SERVER], {
    cwd: settings.DATA_PATH,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      ML_SERVICE_HOST: '127.0.0.1',
      ML_SERVICE_PORT: String(port),
      LOG_LEVEL: 'warn',
      ...settings,
    },
  })
  process.once('exit', () => child.kill()) // however the demo ends
  const lastLines = keepLastLines(child, onWarning)
  let stopping = false
  const abort = new AbortController()
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code === null ? `signal ${signal}` : `exit code ${code}`))
  })
  const died = ended.then((how) => {
    if (stopping) return new Promise<never>(() => undefined)
    const ending = `The service ended unexpectedly (${how}).`
    throw new Error(lastLines.length > 0 ? [`${ending} Its last lines:`, ...lastLines].join('\n  ') : ending)
  })
  died.catch(() => undefined) // the caller that races against it reports it
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    stopping = true
    abort.abort()
    await stopChild(child, ended)
  }
  try {
    await Promise.race([untilReady(url, abort.signal), died])
  } catch (error) {
    await stop()
    throw error
  }
  return { url, died, stop }
}

function keepLastLines(child: ChildProcess, onWarning: (message: string) => void): string[] {
  const lines: string[] = []
  const keep = (line: string) => {
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
  }
  createInterface(child.stderr!).on('line', keep)
  createInterface(child.stdout!).on('line', (line) => {
    keep(line)
    const message = warningIn(line)
    if (message !== undefined) onWarning(message)
  })
  return lines
}

/** The message of a JSON log line at level warn or above. The demo shows incidents itself. */
function warningIn(line: string): string | undefined {
  try {
    const { level, msg, incident } = JSON.parse(line) as {
      level?: unknown
      msg?: unknown
      incident?: unknown
    }
    return Number(level) >= WARN && incident === undefined ? String(msg) : undefined
  } catch {
    return undefined
  }
}

async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  const giveUpMs = performance.now() + START_TIMEOUT_MS
  while (performance.now() < giveUpMs) {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) }).catch(
      () => undefined,
    )
    await answer?.arrayBuffer()
    if (answer?.ok) return
    await delay(100, undefined, { signal })
  }
  throw new Error(`The service was not ready within ${START_TIMEOUT_MS / 1000} seconds.`)
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(timer)
}
