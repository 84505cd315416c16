import { Agent, request } from 'node:http'
import type { Random } from '../../models/statistics/random.js'

export interface Load {
  /** The outcomes of the requests so far. */
  readonly counts: Readonly<LoadCounts>
  /** Stops sending and waits for the outstanding responses. */
  stop(): Promise<void>
}

interface LoadCounts {
  sent: number
  answered: number
  /** No response: the connection broke or timed out. */
  broken: number
  /** Not sent, because too many requests were in flight. */
  skipped: number
}

const MAX_IN_FLIGHT = 500
const TIMEOUT_MS = 10_000
/** After a longer pause, the missed arrivals are skipped. */
const MAX_BACKLOG_MS = 1000

/**
 * Open-loop load: requests are sent on schedule, however long the responses take. A generator that waits for
 * responses sends less when the service slows down, so that slowness would look like a drop in traffic.
 *
 * @param rateAt requests per second at a time on the clock of performance.now(), above 0
 */
export function startLoad({
  port,
  rateAt,
  random,
}: {
  port: number
  rateAt: (nowMs: number) => number
  random: Random
}): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_IN_FLIGHT })
  const counts = { sent: 0, answered: 0, broken: 0, skipped: 0 }
  let inFlight = 0
  let dueMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  let idle: (() => void) | undefined

  const settle = (outcome: 'answered' | 'broken') => {
    counts[outcome]++
    inFlight--
    if (inFlight === 0) idle?.()
  }
  const send = () => {
    if (inFlight >= MAX_IN_FLIGHT) return void counts.skipped++
    counts.sent++
    inFlight++
    sendRequest(agent, port, drawRequest(random), settle)
  }
  const tick = () => {
    const nowMs = performance.now()
    dueMs = Math.max(dueMs, nowMs - MAX_BACKLOG_MS)
    for (; dueMs <= nowMs; dueMs += gapAfter(rateAt(dueMs), random)) send()
    timer = setTimeout(tick, dueMs - nowMs)
  }
  tick()

  return {
    counts,
    async stop() {
      clearTimeout(timer)
      if (inFlight > 0) await new Promise<void>((resolve) => (idle = resolve))
      agent.destroy()
    },
  }
}

/** Regular arrivals with 25 % jitter, so that the counts per second vary little. */
function gapAfter(ratePerSec: number, random: Random): number {
  return (1000 / ratePerSec) * (0.75 + 0.5 * random.uniform())
}

interface Drawn {
  method: string
  path: string
  userId: string
}

function drawRequest(random: Random): Drawn {
  const kinds = [
    { method: 'GET', path: '/api/products' },
    { method: 'GET', path: `/api/products/${1 + random.integer(40)}` },
    { method: 'GET', path: `/api/users/${1 + random.integer(40)}` },
    { method: 'GET', path: '/api/search?q=lamp' },
    { method: 'POST', path: '/api/orders' },
  ]
  return { ...kinds[random.integer(kinds.length)]!, userId: `user-${1 + random.integer(40)}` }
}

function sendRequest(
  agent: Agent,
  port: number,
  { method, path, userId }: Drawn,
  settle: (outcome: 'answered' | 'broken') => void,
): void {
  let settled = false
  const once = (outcome: 'answered' | 'broken') => {
    if (!settled) settle(outcome)
    settled = true
  }
  const headers = { 'x-user-id': userId, 'user-agent': 'demo-load' }
  const sent = request({ agent, host: '127.0.0.1', port, method, path, headers, timeout: TIMEOUT_MS })
  sent.on('response', (response) => response.resume().on('end', () => once('answered')))
  sent.on('timeout', () => sent.destroy())
  sent.on('error', () => once('broken'))
  sent.on('close', () => once('broken'))
  sent.end()
}
