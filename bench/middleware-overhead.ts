import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Benchmark, Comparison, Contestant } from './benchmark.js'

const GATEWAY = fileURLToPath(new URL('./middleware-gateway.js', import.meta.url))
/** Enough for a pass of a quarter of a second. */
const REQUESTS = { express: 3_000, fastify: 16_000 }
const WARM_UP_PASSES = 5
const CONNECTIONS = 8
const REQUEST = 'GET /api/items/17?page=2 HTTP/1.1\r\nhost: gateway\r\nuser-agent: bench\r\n\r\n'

/** Processes of each kind, because the engine does not always compile the same program equally well. */
const PROCESSES = 5

/**
 * CPU time of a gateway with the middleware, against the same gateway without it. Two informative comparisons show the
 * limits of the measurement: the same gateway against itself, and an empty middleware or hook.
 *
 * An empty middleware has a cost of its own. Express changes the prototype of every response, so that no property access
 * is cached. Fastify calls the handler directly only if there is no hook.
 */
export const middlewareOverhead: Benchmark = {
  name: 'middleware, CPU time',
  async prepare() {
    const gateways: Gateway[] = []
    const comparisons: Comparison[] = []
    for (const framework of ['express', 'fastify'] as const) {
      const bare = await start(framework)
      const control = await start(framework)
      const empty = await start(framework, 'empty')
      const watched = await start(framework, 'middleware')
      gateways.push(bare, control, empty, watched)
      const common = { rows: REQUESTS[framework], repetitions: 5 * PROCESSES }
      comparisons.push(
        { ...common, reference: bare, candidate: control },
        { ...common, reference: bare, candidate: empty },
        { ...common, reference: empty, candidate: watched },
        // At most 3 % more CPU time.
        { ...common, reference: bare, candidate: watched, target: 1 / 1.03 },
      )
    }
    return { comparisons, finish: () => gateways.forEach(({ end }) => end()) }
  },
}

interface Gateway extends Contestant {
  end(): void
}

/** Gateways in their own processes, warmed up and measured in turns. */
async function start(framework: keyof typeof REQUESTS, middleware?: string): Promise<Gateway> {
  const args = middleware === undefined ? [framework] : [framework, middleware]
  const rows = REQUESTS[framework]
  const processes = await Promise.all(Array.from({ length: PROCESSES }, () => startProcess(args)))
  for (const { port } of processes) await load(port, WARM_UP_PASSES * rows)
  let turn = 0
  return {
    name: args.join(', '),
    async measure() {
      const { port, cpuTime } = processes[turn++ % PROCESSES]!
      const before = await cpuTime()
      await load(port, rows)
      return (await cpuTime()) - before
    },
    end: () => processes.forEach(({ end }) => end()),
  }
}

async function startProcess(args: string[]) {
  const child = spawn(process.execPath, [GATEWAY, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const read = async () => Number((await lines.next()).value)
  const cpuTime = async () => {
    child.stdin.write('cpu\n')
    return read()
  }
  return { port: await read(), cpuTime, end: () => child.stdin.end() }
}

async function load(port: number, requests: number): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, () => send(port, requests / CONNECTIONS)))
}

/** Sends one request after the other on one raw connection, so that the load itself needs little CPU time. */
async function send(port: number, requests: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  socket.write(REQUEST)
  let answer = ''
  let answered = 0
  for await (const chunk of socket) {
    answer += (chunk as Buffer).toString('latin1')
    if (!answer.endsWith('}')) continue
    if (!answer.startsWith('HTTP/1.1 200')) throw new Error(answer)
    answer = ''
    if (++answered === requests) break
    socket.write(REQUEST)
  }
}
