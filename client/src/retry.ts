import { MLServiceError } from './ml-service-error.js'

export interface RetryOptions {
  /** How often a call is tried at most, the first time included; 1 to 10. */
  readonly attempts: number
  /** Before the second try, doubled before each further one; each is shortened by up to a half, at random. */
  readonly delayMs: number
}

export const DEFAULT_RETRY: RetryOptions = { attempts: 3, delayMs: 200 }

const LONGEST_DELAY_MS = 10_000

/** The service may ask for this much patience; for more the call fails and tells it. */
const LONGEST_RETRY_AFTER_MS = 30_000

const PASSING = new Set([429, 503])

/**
 * Tries a call again after failures that pass: no connection, 429, 503; after a time-out or half an answer only when
 * a repeat does no harm.
 *
 * @param isHarmless whether the service may be told twice
 * @param signal ends the waiting too
 * @param wait how the time before the next try passes
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { attempts, delayMs }: RetryOptions,
  isHarmless: boolean,
  signal: AbortSignal | undefined,
  wait: (ms: number, signal: AbortSignal | undefined) => Promise<void> = pause,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (tried >= attempts || !passes(error, isHarmless)) throw error
      const backoff = Math.min(LONGEST_DELAY_MS, delayMs * 2 ** (tried - 1)) * (1 - Math.random() / 2)
      const asked = error.retryAfterMs ?? 0
      if (asked > LONGEST_RETRY_AFTER_MS) throw error
      await wait(Math.max(backoff, asked), signal)
    }
  }
}

function passes(error: unknown, isHarmless: boolean): error is MLServiceError {
  if (!(error instanceof MLServiceError)) return false
  if (error.code === 'NETWORK_ERROR') return true
  if (error.code === 'TIMEOUT' || error.code === 'BROKEN_ANSWER') return isHarmless
  return error.status !== null && PASSING.has(error.status)
}

/** @throws the reason of the signal */
export function pause(
  ms: number,
  signal: AbortSignal | undefined,
  after: (ms: number, callback: () => void) => () => void = callLater,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const end = () => {
      callOff()
      reject(signal!.reason)
    }
    const callOff = after(ms, () => {
      signal?.removeEventListener('abort', end)
      resolve()
    })
    signal?.addEventListener('abort', end, { once: true })
  })
}

function callLater(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}
