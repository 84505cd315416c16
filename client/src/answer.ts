import { MLServiceError, type Failure } from './ml-service-error.js'

/** A complete answer. */
export interface Answer {
  readonly response: Response
  readonly text: string
}

const SHOWN = 80

/**
 * The data of the envelope.
 * @param secret what no message shows: a proxy may echo the headers of a request
 * @throws MLServiceError for a failure
 */
export function dataOf({ response, text }: Answer, secret?: string): unknown {
  const body = parsed(response, text, secret)
  if (response.ok && 'data' in body) return body['data']
  throw toError(response, body)
}

/** The text of a file. @throws MLServiceError for a failure */
export function textOf({ response, text }: Answer, secret?: string): string {
  if (response.ok) return text
  throw toError(response, parsed(response, text, secret))
}

function parsed(response: Response, text: string, secret?: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && 'success' in body) return body as Record<string, unknown>
  } catch {
    // reported below
  }
  const type = response.headers.get('content-type') ?? 'no content type'
  const harmless = secret === undefined ? text : text.replaceAll(secret, '…')
  const shown = harmless.trim().replace(/\s+/g, ' ').slice(0, SHOWN)
  const message = `${response.url} answered ${response.status} with ${type} instead of an envelope of AEGIS ML (${JSON.stringify(shown)}). Check that baseUrl is the address of the service and not of a proxy or another program.`
  throw new MLServiceError('INVALID_ANSWER', message, factsOf(response))
}

function toError(response: Response, body: Partial<Failure>): MLServiceError {
  const { code = 'INVALID_ANSWER', message = `The service answered ${response.status}.`, details } = body
  return new MLServiceError(code, message, { ...factsOf(response), details })
}

function factsOf(response: Response) {
  return {
    status: response.status,
    retryAfterMs: retryAfterMs(response),
    requestId: response.headers.get('x-request-id'),
  }
}

/** Retry-After is a number of seconds or a date. */
function retryAfterMs({ headers }: Response): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}
