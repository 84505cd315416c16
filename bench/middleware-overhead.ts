import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from './benchmark.js'

const GATEWAY = fileURLToPath(new URL('./middleware-gateway.js', import.meta.url))
const REQUESTS = 4_000
const WARM_UP = 20_000
const CONNECTIONS = 8
const REQUEST = 'GET /api/items/17?page=2 HTTP/1.1\r\nhost: gateway\r\nuser-agent: bench\r\n\r\n'

/** CPU time of a gateway per request with the middleware, against the same gateway without it. */
export const middlewareOverhead: Benchmark = {
  name: 'middleware, CPU time',
  async prepare() {
    const gateways: Gateway[] = []
    const started = async (...args: string[]) => {
      const gateway = await start(args)
      gateways.push(gateway)
      return gateway
    }
    const comparisons = []
    for (const framework of ['express', 'fastify']) {
      const bare = await started(framework)
      const watched = await started(framework, 'middleware')
      comparisons.push({
        rows: REQUESTS,
        // 3 % more CPU time at most.
        target: 1 / 1.03,
        repetitions: 41,
        reference: { name: `bare ${framework}`, measure: bare.measure },
        candidate: { name: 'with middleware', measure: watched.measure },
      })
    }
    return { comparisons, finish: () => gateways.forEach((gateway) => gateway.end()) }
  },
}

interface Gateway {
  /** Milliseconds of CPU time that the requests take. */
  measure(): Promise<number>
  end(): void
}

/** A gateway in a process of its own, warm. Those that are compared live side by side and are asked in turns. */
async function start(args: string[]): Promise<Gateway> {
  const child = spawn(process.execPath, [GATEWAY, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const read = async () => Number((await lines.next()).value)
  const cpuTime = async () => {
    child.stdin.write('cpu\n')
    return read()
  }
  const port = await read()
  await load(port, WARM_UP)
  return {
    async measure() {
      const before = await cpuTime()
      await load(port, REQUESTS)
      return (await cpuTime()) - before
    },
    end: () => child.stdin.end(),
  }
}

async function load(port: number, requests: number): Promise<void> {
  await Promise.all(Array.from({ length: CONNECTIONS }, () => send(port, requests / CONNECTIONS)))
}

/** One request after the other down one connection, by hand: the load must leave the machine to the gateway. */
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
