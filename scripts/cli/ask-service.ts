import { withTimeLimit } from '../../db/with-time-limit.js'
import { processEnvironment } from '../../plugins/config.js'
import { ServiceAwayError, UsageError } from './errors.js'

/** What a service answers: the data, or why there is none. */
export interface ServiceAnswer<T> {
  readonly data: T | undefined
  /** Empty where it has none, or comes from another server. */
  readonly code: string
  readonly message: string
}

export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly body?: object
}

const MAX_ANSWER_MS = 30_000
const UNAVAILABLE = 503

/**
 * Asks a service once, with the key of ML_SERVICE_API_KEY, and waits for the whole answer.
 * @param url without a slash at its end
 * @throws ServiceAwayError where it cannot be reached or cannot answer now; the reason of the signal, when that is aborted
 */
export async function askService<T>(
  url: string,
  path: string,
  { method, body }: ServiceRequest,
  stop: AbortSignal,
): Promise<ServiceAnswer<T>> {
  const headers = { ...keyHeader(), ...(body && { 'content-type': 'application/json' }) }
  const options = { method, headers, ...(body && { body: JSON.stringify(body) }) }
  const { response, answer } = await withTimeLimit(MAX_ANSWER_MS, stop, async (signal) => {
    const response = await fetch(`${url}${path}`, { ...options, signal })
    return { response, answer: parsed<T>(await response.text()) }
  }).catch((error: Error & { cause?: Error }) => {
    stop.throwIfAborted()
    throw new ServiceAwayError(`${url} cannot be reached: ${error.cause?.message || error.message}.`)
  })
  const {
    data,
    code = '',
    message = `${url} answers with status ${response.status}; is it AEGIS ML?`,
  } = answer
  if (response.status === UNAVAILABLE) throw new ServiceAwayError(message)
  return { data: response.ok ? data : undefined, code, message }
}

/** @throws UsageError that does not show the key */
function keyHeader(): Record<string, string> {
  const key = processEnvironment()['ML_SERVICE_API_KEY']?.trim() ?? ''
  if (key === '') return {}
  if (/^[!-~]{1,4096}$/.test(key)) return { authorization: `Bearer ${key}` }
  throw new UsageError(
    'ML_SERVICE_API_KEY is not a key; allowed are 1 to 4,096 visible ASCII characters without spaces.',
  )
}

/** The answer of another server may be anything. */
function parsed<T>(text: string): Partial<ServiceAnswer<T>> {
  try {
    return (JSON.parse(text) ?? {}) as Partial<ServiceAnswer<T>>
  } catch {
    return {}
  }
}
