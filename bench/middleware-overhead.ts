import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from './benchmark.js'

const GATEWAY = fileURLToPath(new URL('./middleware-gateway.js', import.meta.url))
const REQUESTS = 40_000
const WARM_UP = 20_000
const CONNECTIONS = 8
const REQUEST = 'GET /api/items/17?page=2 HTTP/1.1\r\nhost: gateway\r\nuser-agent: bench\r\n\r\n'

/** CPU time of a gateway per request with the middleware, against the same gateway without it. */
export const middlewareOverhead: Benchmark = {
  name: 'middleware, CPU time',
  async prepare() {
    const of = (framework: string) => ({
      rows: REQUESTS,
      // 3 % more CPU time at most.
      target: 1 / 1.03,
      repetitions: 15,
      reference: { name: `bare ${framework}`, measure: () => cpuTime([framework]) },
      candidate: { name: `${framework}, middleware`, measure: () => cpuTime([framework, 'middleware']) },
    })
    return { comparisons: [of('express'), of('fastify')] }
  },
}

/** Milliseconds of CPU time that a gateway in a process of its own takes for the requests. */
async function cpuTime(args: string[]): Promise<number> {
  const child = spawn(process.execPath, [GATEWAY, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const ask = async () => Number((await lines.next()).value)
  const port = await ask()
  await load(port, WARM_UP)
  child.stdin.write('cpu\n')
  const before = await ask()
  await load(port, REQUESTS)
  child.stdin.write('cpu\n')
  const after = await ask()
  child.stdin.end()
  await once(child, 'exit')
  return after - before
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
