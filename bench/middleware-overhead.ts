import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Benchmark, Comparison, Contestant } from './benchmark.js'

const GATEWAY = fileURLToPath(new URL('./middleware-gateway.js', import.meta.url))
/** So many that a pass takes a quarter of a second. */
const REQUESTS = { express: 3_000, fastify: 16_000 }
const WARM_UP_PASSES = 5
const CONNECTIONS = 8
const REQUEST = 'GET /api/items/17?page=2 HTTP/1.1\r\nhost: gateway\r\nuser-agent: bench\r\n\r\n'

/** Processes of each kind: the engine compiles the same program now better, now worse. */
const PROCESSES = 3

/**
 * CPU time of a gateway for its requests with the middleware, against the same gateway without it. Beside it, for
 * information: what a middleware that does nothing costs in Express. Each layer of Express has its price, whatever
 * it does: Express changes the prototype of every response, so that none shares its hidden class with another
 * and no access to one is ever cached.
 */
export const middlewareOverhead: Benchmark = {
  name: 'middleware, CPU time',
  async prepare() {
    const express = await start('express')
    const layer = await start('express', 'empty')
    const expressWatched = await start('express', 'middleware')
    const fastify = await start('fastify')
    const fastifyWatched = await start('fastify', 'middleware')
    const ends = [express, layer, expressWatched, fastify, fastifyWatched].map(({ end }) => end)
    const against = (reference: Gateway, candidate: Gateway, target?: number): Comparison => ({
      ...{ rows: reference.rows, repetitions: 9 * PROCESSES, reference, candidate },
      ...(target !== undefined && { target }),
    })
    return {
      comparisons: [
        against(express, layer),
        against(layer, expressWatched),
        // 3 % more CPU time at most.
        against(express, expressWatched, 1 / 1.03),
        against(fastify, fastifyWatched, 1 / 1.03),
      ],
      finish: () => ends.forEach((end) => end()),
    }
  },
}

interface Gateway extends Contestant {
  readonly rows: number
  end(): void
}

/** Gateways in processes of their own, warm, which are asked in turns. */
async function start(framework: keyof typeof REQUESTS, middleware?: string): Promise<Gateway> {
  const args = middleware === undefined ? [framework] : [framework, middleware]
  const rows = REQUESTS[framework]
  const processes = await Promise.all(Array.from({ length: PROCESSES }, () => startProcess(args)))
  for (const { port } of processes) await load(port, WARM_UP_PASSES * rows)
  let turn = 0
  return {
    name: args.join(', '),
    rows,
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
