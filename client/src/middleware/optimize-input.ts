import { MLServiceError } from '../ml-service-error.js'
import type { Input } from '../operations.js'

/**
 * The input of optimize from a URL: `/optimize/api/users?tier=free` asks for `/api/users`, and
 * `/optimize/POST%20/api/users` for one method of it.
 */
export function optimizeInput(rest: string, query: URLSearchParams): Input<'optimize'> {
  const named = decoded(rest)
  const input: Record<string, unknown> = { endpoint: /^([A-Z]+ )?\//.test(named) ? named : `/${named}` }
  for (const name of ['tier', 'strategy']) if (query.has(name)) input[name] = query.get(name)
  const limit = query.get('current_limit')
  // An invalid number is passed on, so that the service rejects it with the name of the field.
  if (limit !== null) input['current_limit'] = /^\d+$/.test(limit) ? Number(limit) : limit
  return input as Input<'optimize'>
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    const message = 'The endpoint in the URL is not percent-encoded correctly.'
    throw new MLServiceError('INVALID_REQUEST', message, { status: 400 })
  }
}
