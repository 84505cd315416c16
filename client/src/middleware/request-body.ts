import type { IncomingMessage } from 'node:http'
import { MLServiceError } from '../ml-service-error.js'

const MAX_BYTES = 1_048_576

/** A request whose body the framework may have parsed. */
export type ParsedRequest = IncomingMessage & { body?: unknown }

/**
 * The JSON body of a request, already parsed or not. An empty body is equivalent to `{}`.
 *
 * @throws MLServiceError naming the problem
 */
export async function bodyOf(request: ParsedRequest): Promise<object> {
  if (request.body !== undefined && !(request.body instanceof Uint8Array)) return objectOf(request.body)
  const text = request.body instanceof Uint8Array ? decoded(request.body) : await textOf(request)
  if (text.trim() === '') return {}
  if (!/^application\/([\w.-]+\+)?json\b/i.test(request.headers['content-type'] ?? '')) {
    throw refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'The content type is not supported; send application/json.')
  }
  try {
    return objectOf(JSON.parse(text))
  } catch (error) {
    if (error instanceof MLServiceError) throw error
    throw refusal(400, 'INVALID_REQUEST', 'The body is not valid JSON.')
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  // The connection stays open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_BYTES) {
      request.resume()
      throw refusal(413, 'BODY_TOO_LARGE', 'The body is too large; 1 MiB is allowed.')
    }
    chunks.push(chunk)
  }
  return decoded(Buffer.concat(chunks))
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function objectOf(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw refusal(400, 'INVALID_REQUEST', 'The body must be a JSON object.')
}

function refusal(status: number, code: string, message: string): MLServiceError {
  return new MLServiceError(code, message, { status })
}
