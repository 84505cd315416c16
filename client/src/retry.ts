import { MLServiceError } from './ml-service-error.js'

export interface RetryOptions {
  /** Maximum number of attempts, including the first, 1 to 10. Default: 3. */
  readonly attempts: number
  /** Delay before the second attempt, in milliseconds. It doubles with each attempt and is shortened at random by up to half. Default: 200. */
  readonly delayMs: number
}

export const DEFAULT_RETRY: RetryOptions = { attempts: 3, delayMs: 200 }

const MAX_DELAY_MS = 10_000

/** The longest Retry-After that the client waits for. With a longer one, the call fails. */
const MAX_RETRY_AFTER_MS = 30_000

const TEMPORARY_STATUSES = new Set([429, 503])

/**
 * Repeats a call after a temporary failure: no connection, 429 or 503. After a timeout or a broken answer, it repeats
 * the call only if that is harmless.
 *
 * @param isHarmless true if the service may receive the call twice
 * @param signal aborts the call and the delays
 * @param waiting `in background`: the delays do not keep the process alive
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { attempts, delayMs }: RetryOptions,
  isHarmless: boolean,
  signal: AbortSignal | undefined,
  waiting?: 'in background',
): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt()
    } catch (error) {
      if (tried >= attempts || !isTemporary(error, isHarmless)) throw error
      const backoff = Math.min(MAX_DELAY_MS, delayMs * 2 ** (tried - 1)) * (1 - Math.random() / 2)
      const asked = error.retryAfterMs ?? 0
      if (asked > MAX_RETRY_AFTER_MS) throw error
      await pause(Math.max(backoff, asked), signal, waiting)
    }
  }
}

function isTemporary(error: unknown, isHarmless: boolean): error is MLServiceError {
  if (!(error instanceof MLServiceError)) return false
  if (error.code === 'NETWORK_ERROR') return true
  if (error.code === 'TIMEOUT' || error.code === 'BROKEN_ANSWER') return isHarmless
  return error.status !== null && TEMPORARY_STATUSES.has(error.status)
}

/** @throws the reason of the signal */
export function pause(ms: number, signal: AbortSignal | undefined, waiting?: 'in background'): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const end = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end)
      resolve()
    }, ms)
    if (waiting) timer.unref()
    signal?.addEventListener('abort', end, { once: true })
  })
}
