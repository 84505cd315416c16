import { closeSync, openSync, readSync } from 'node:fs'

const FIRST_FIELD = Buffer.alloc(64)

/**
 * Seconds of CPU that this thread has used, so that other work on the machine does not count; on the clock where the
 * system does not tell (schedstat of Linux: nanoseconds on a core).
 */
export function threadCpuSeconds(): number {
  try {
    const file = openSync('/proc/thread-self/schedstat', 'r')
    try {
      readSync(file, FIRST_FIELD, 0, FIRST_FIELD.length, 0)
    } finally {
      closeSync(file)
    }
    return Number.parseInt(FIRST_FIELD.toString('latin1'), 10) / 1e9
  } catch {
    return performance.now() / 1000
  }
}
