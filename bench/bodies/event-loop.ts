import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** What the service measures of itself. */
export interface Measured {
  /** The longest time that the event loop did nothing else, in ms. */
  readonly stallMs: number
  readonly rssMb: number
}

const RESOLUTION_MS = 1

/** Loaded into the service before it starts: answers each message with what it has measured since the one before. */
function measure(): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  process.on('message', () => {
    const stallMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS)
    delay.reset()
    process.send?.({ stallMs, rssMb: process.memoryUsage.rss() / 2 ** 20 } satisfies Measured)
  })
  process.channel?.unref()
}

if (isMainThread && process.send !== undefined) measure()
