import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.js'
import { endServer, spawnEnvironment, type Account } from './processes.js'

export interface PostmasterOptions {
  readonly postgres: string
  readonly dataDirectory: string
  readonly account: Account | undefined
  readonly log: Log
}

export interface Postmaster {
  readonly port: number
  stop(): Promise<void>
}

interface Server {
  readonly child: ChildProcess
  /** Rejects with what the server said when it ends before it is ready. */
  readonly ready: Promise<void>
  /** Resolves when the server and all it started have ended. */
  readonly ended: Promise<void>
  hasEnded: boolean
}

const HOST = '127.0.0.1'
const READY = 'database system is ready to accept connections'
/** What passes by itself: another program took the port first; processes of a killed server are still ending. */
const PASSING = /Address already in use|could not create any TCP\/IP sockets|shared memory block/
const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 5_000
const STEADY_MS = 30_000

/** Starts PostgreSQL on a free port of the loopback interface and starts it again there whenever it ends. */
export async function startPostmaster(options: PostmasterOptions): Promise<Postmaster> {
  const { log } = options
  const started = await startOnFreePort(options)
  const { port } = started
  let { server } = started
  let stopping = false
  let pauseMs = MIN_PAUSE_MS

  // The last resort when the process exits without stop(); a kill -9 is left to the next start.
  const onExit = () => void server.child.kill('SIGINT')
  process.once('exit', onExit)

  async function supervise(): Promise<void> {
    for (;;) {
      const since = performance.now()
      await server.ended
      if (stopping) return
      if (performance.now() - since > STEADY_MS) pauseMs = MIN_PAUSE_MS
      log.error({ port, pauseMs }, 'PostgreSQL ended unexpectedly and is started again')
      await delay(pauseMs, undefined, { ref: false })
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)
      if (stopping) return
      server = launch(options, port)
      await server.ready.then(
        () => log.info({ port }, 'PostgreSQL is back'),
        (error: Error) => log.error({ port, reason: error.message }, 'PostgreSQL did not start'),
      )
    }
  }
  const supervision = supervise()

  return {
    port,
    async stop() {
      stopping = true
      process.off('exit', onExit)
      const { child } = server
      if (!server.hasEnded && child.pid !== undefined) {
        await endServer(child.pid, async () => server.hasEnded)
      }
      // Only a pause between two attempts can be left to wait for; it ends without another start.
      await Promise.race([supervision, server.ended])
    },
  }
}

async function startOnFreePort(options: PostmasterOptions): Promise<{ server: Server; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const server = launch(options, port)
    try {
      await server.ready
      return { server, port }
    } catch (error) {
      if (attempt === 20 || !PASSING.test((error as Error).message)) throw error
      options.log.debug({ attempt, reason: (error as Error).message }, 'PostgreSQL is tried again')
      await delay(250)
    }
  }
}

function launch({ postgres, dataDirectory, account, log }: PostmasterOptions, port: number): Server {
  const settings = {
    port,
    listen_addresses: HOST,
    unix_socket_directories: '',
    logging_collector: 'off',
    log_destination: 'stderr',
    lc_messages: 'C',
    timezone: 'UTC',
    // The server's messages go into the service's log, which holds neither statements nor values.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_statement: 'none',
  }
  const args = ['-D', dataDirectory, ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])]
  // Its own process group: Ctrl-C in a terminal reaches the service alone, which then stops it in order.
  const child = spawn(postgres, args, {
    ...spawnEnvironment,
    ...account,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return observe(child, log)
}

function observe(child: ChildProcess, log: Log): Server {
  const complaints: string[] = []
  const { promise: ready, resolve, reject } = deferred()
  const ended = new Promise<void>((end) => {
    child.once('error', (error) => {
      complaints.push(error.message)
      end()
    })
    child.once('close', () => end())
  })
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (line.includes(READY)) resolve()
    if (!/FATAL|PANIC/.test(line)) {
      log.debug({ postgres: line }, 'PostgreSQL says')
    } else {
      log.warn({ postgres: line }, 'PostgreSQL says')
      complaints.push(line.replace(/^.*?(?=FATAL|PANIC)/, ''))
    }
  })
  const server: Server = { child, ready, ended, hasEnded: false }
  void ended.then(() => {
    server.hasEnded = true
    reject(new Error(`PostgreSQL did not start: ${complaints.join('; ') || 'it gave no reason'}`))
  })
  return server
}

function deferred() {
  let resolve: () => void = () => undefined
  let reject: (reason: Error) => void = () => undefined
  const promise = new Promise<void>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  // A failure before anyone waits is not an unhandled one.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

/** A port nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, HOST, resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
