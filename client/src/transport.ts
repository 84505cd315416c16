import type { Answer } from './answer.js'
import { MLServiceError } from './ml-service-error.js'

/** What ends a request early. */
export interface Limits {
  readonly timeoutMs: number
  /** Also ends the answer that is still being read. */
  readonly signal: AbortSignal | undefined
}

/** Sends a request and reads the complete answer within the time limit. */
export async function send(request: Request, { timeoutMs, signal }: Limits): Promise<Answer> {
  const abort = aborting(signal)
  try {
    return await within(request, abort, timeoutMs, async (response) => ({
      response,
      text: await response.text(),
    }))
  } finally {
    abort.forget()
  }
}

/** Sends a request within the time limit. The caller reads the answer, without a limit. */
export async function open(request: Request, { timeoutMs, signal }: Limits): Promise<Response> {
  const abort = aborting(signal)
  try {
    return await within(request, abort, timeoutMs, async (response) => response)
  } catch (error) {
    abort.forget()
    throw error
  }
}

interface Aborting {
  readonly controller: AbortController
  readonly signal: AbortSignal | undefined
  forget(): void
}

/**
 * A controller that follows a signal. The signal holds it, so that it ends an answer that is read long after the request:
 * Node 20 may collect what AbortSignal.any and a Request follow.
 */
function aborting(signal: AbortSignal | undefined): Aborting {
  const controller = new AbortController()
  const follow = () => controller.abort(signal?.reason)
  if (signal?.aborted) follow()
  signal?.addEventListener('abort', follow, { once: true })
  return { controller, signal, forget: () => signal?.removeEventListener('abort', follow) }
}

async function within<T>(
  request: Request,
  { controller, signal }: Aborting,
  timeoutMs: number,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    controller.abort()
  }, timeoutMs)
  let response: Response | undefined
  try {
    response = await fetch(request, { signal: controller.signal })
    return await read(response)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw explained(error, request, isLate ? timeoutMs : null, response)
  } finally {
    clearTimeout(timer)
  }
}

function explained(
  error: unknown,
  { method, url }: Request,
  timeoutMs: number | null,
  response: Response | undefined,
): MLServiceError {
  const where = `${method} ${url}`
  if (timeoutMs !== null) {
    const message = `${where} did not answer within ${timeoutMs / 1000} seconds.`
    return new MLServiceError('TIMEOUT', message, { cause: error })
  }
  const reason = reasonOf(error)
  if (response) {
    const message = `The answer to ${where} broke off (${reason}).`
    return new MLServiceError('BROKEN_ANSWER', message, { status: response.status, cause: error })
  }
  const message = `${where} cannot be reached (${reason}). Check that the service is running and that baseUrl is correct.`
  return new MLServiceError('NETWORK_ERROR', message, { cause: error })
}

/** The message of fetch is always "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message
}
