import { Agent, get } from 'node:http'

export interface Answered {
  readonly sentMs: number
  readonly latencyMs: number
}

/** Requests at a steady rate, whatever becomes of those before: a slow answer holds none of the others back. */
export interface OpenLoop {
  readonly answered: readonly Answered[]
  readonly failures: readonly string[]
  /** How many wait for their answer. */
  waiting(): number
  /** Sends no more, and waits for the answers to all that were sent. */
  stop(): Promise<void>
}

/** More than any answer takes: who waits for longer, hangs. */
const TIME_LIMIT_MS = 60_000
const TICK_MS = 5

export function startLoad(url: string, perSecond: number): OpenLoop {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: TIME_LIMIT_MS })
  const answered: Answered[] = []
  const failures: string[] = []
  let sent = 0
  let waiting = 0
  let ended: () => void = () => undefined

  const over = () => {
    if (--waiting === 0) ended()
  }
  const send = () => {
    const sentMs = performance.now()
    waiting++
    const failed = ({ message }: Error) => failures.push(message)
    const request = get(url, { agent, timeout: TIME_LIMIT_MS }, (response) => {
      if (response.statusCode !== 200) failures.push(`status ${response.statusCode}`)
      const arrived = () => answered.push({ sentMs, latencyMs: performance.now() - sentMs })
      response.once('error', failed).once('end', arrived).resume()
    })
    request.once('timeout', () => request.destroy(new Error('it hangs')))
    request.once('error', failed).once('close', over)
  }

  const beganMs = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - beganMs) * perSecond) / 1000)
    for (; sent < due; sent++) send()
  }, TICK_MS)
  return {
    answered,
    failures,
    waiting: () => waiting,
    async stop() {
      clearInterval(timer)
      if (waiting > 0) await new Promise<void>((resolve) => (ended = resolve))
      agent.destroy()
    },
  }
}
