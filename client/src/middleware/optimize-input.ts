import { MLServiceError } from '../ml-service-error.js'
import type { Input } from '../operations.js'

/**
 * What is asked with an address: `/optimize/api/users?tier=free` is about `/api/users`, and
 * `/optimize/POST%20/api/users` about one method of it.
 */
export function optimizeInput(rest: string, query: URLSearchParams): Input<'optimize'> {
  const named = decoded(rest)
  const input: Record<string, unknown> = { endpoint: /^([A-Z]+ )?\//.test(named) ? named : `/${named}` }
  for (const name of ['tier', 'strategy']) if (query.has(name)) input[name] = query.get(name)
  const limit = query.get('current_limit')
  // What is no number is left as it is, for the service to refuse it by its name.
  if (limit !== null) input['current_limit'] = /^\d+$/.test(limit) ? Number(limit) : limit
  return input as Input<'optimize'>
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    const message = 'The endpoint in the address is not encoded as addresses are.'
    throw new MLServiceError('INVALID_REQUEST', message, { status: 400 })
  }
}
