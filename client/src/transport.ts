import type { Answer } from './answer.js'
import { MLServiceError } from './ml-service-error.js'

/** Sends a request and reads the complete answer within the time limit. */
export function send(request: Request, timeoutMs: number): Promise<Answer> {
  return within(request, timeoutMs, async (response) => ({ response, text: await response.text() }))
}

/** Sends a request within the time limit. The caller reads the answer, without a limit. */
export function open(request: Request, timeoutMs: number): Promise<Response> {
  return within(request, timeoutMs, async (response) => response)
}

async function within<T>(
  request: Request,
  timeoutMs: number,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), timeoutMs)
  let response: Response | undefined
  try {
    response = await fetch(request, { signal: AbortSignal.any([request.signal, limit.signal]) })
    return await read(response)
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason
    throw explained(error, request, limit.signal.aborted ? timeoutMs : null, response)
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
