import { appendFileSync, readFileSync } from 'node:fs'

/**
 * Loaded into the service by `--import`: it writes down each time at which the main thread was busy for long, into the
 * file that CHAOS_STALLS names. The processor time of the thread counts, so that other programs of the machine do not.
 */
const file = process.env['CHAOS_STALLS']
const TICK_MS = 5
const MIN_STALL_MS = 25

/** Processor time of the main thread in ms, as Linux counts it. */
const busyMs = () => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ', 1)[0]) / 1e6

if (file !== undefined) {
  let seenMs = busyMs()
  let seenAt = performance.now()
  setInterval(() => {
    const [nowMs, now] = [busyMs(), performance.now()]
    const stall = { at: Date.now(), busyMs: nowMs - seenMs, waitedMs: now - seenAt }
    if (stall.busyMs > MIN_STALL_MS) appendFileSync(file, `${JSON.stringify(stall)}\n`)
    ;[seenMs, seenAt] = [nowMs, now]
  }, TICK_MS).unref()
}
