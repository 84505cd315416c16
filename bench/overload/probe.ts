import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { requestText } from './connection.js'
import type { Target } from './load.js'

const PROBE = requestText('GET', '/health/live')
const TIME_LIMIT_MS = 10_000

export interface Probing {
  /** Milliseconds of each probe, ascending. */
  stop(): Promise<{ times: Float64Array; failures: number }>
}

/** Asks /health/live again and again as Kubernetes does: each time on a new connection. */
export function startProbing(target: Target, everyMs = 100): Probing {
  const times: number[] = []
  let failures = 0
  let isOver = false
  const run = async () => {
    while (!isOver) {
      const sinceMs = performance.now()
      if (await probe(target)) times.push(performance.now() - sinceMs)
      else failures++
      await delay(everyMs)
    }
  }
  const running = run()
  return {
    async stop() {
      isOver = true
      await running
      return { times: Float64Array.from(times).sort(), failures }
    },
  }
}

/** Whether the answer is 200. */
function probe({ host, port }: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true, timeout: TIME_LIMIT_MS })
    const end = (isAlive: boolean) => {
      socket.destroy()
      resolve(isAlive)
    }
    socket.once('connect', () => socket.write(PROBE))
    socket.once('data', (chunk: Buffer) => end(chunk.toString('latin1', 9, 12) === '200'))
    socket.once('error', () => end(false)).once('close', () => resolve(false))
    socket.once('timeout', () => end(false))
  })
}
