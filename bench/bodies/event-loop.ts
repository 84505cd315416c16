import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** What the service measures of itself. */
export interface Measured {
  /** The longest time between two turns of the event loop, in ms. It grows with other load on the machine. */
  readonly stallMs: number
  /** The most CPU time that one turn has used, in ms: the same without other load. NaN outside of Linux. */
  readonly turnMs: number
  readonly rssMb: number
}

const RESOLUTION_MS = 1

/** Loaded into the service before it starts: answers each message with what it has measured since the one before. */
function measure(): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  let [turnMs, before] = [0, cpuMs()]
  setInterval(() => {
    const now = cpuMs()
    turnMs = Math.max(turnMs, now - before)
    before = now
  }, RESOLUTION_MS).unref()
  process.on('message', () => {
    const stallMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS)
    process.send?.({ stallMs, turnMs, rssMb: process.memoryUsage.rss() / 2 ** 20 } satisfies Measured)
    delay.reset()
    turnMs = 0
  })
  process.channel?.unref()
}

/** CPU time of the main thread. */
function cpuMs(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ', 1)[0]) / 1e6
  } catch {
    return NaN
  }
}

if (isMainThread && process.send !== undefined) measure()
