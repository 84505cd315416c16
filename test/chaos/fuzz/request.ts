import type { Operation } from './contract.js'

/** A request as it is sent. */
export interface FuzzRequest {
  /** The operation that is meant. A mutation may have made it one of another, or of none. */
  readonly operation: Operation
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  /** What was made invalid; undefined for a request that the contract allows. */
  readonly mutation: string | undefined
}

/** The parts of a request that the contract allows, before they become text. */
export interface ValidRequest {
  readonly operation: Operation
  readonly parameters: Readonly<Record<string, unknown>>
  readonly body: unknown
  readonly type: string | undefined
}

/** A valid request as text. */
export function sent({ operation, parameters, body, type }: ValidRequest): FuzzRequest {
  const { method, path } = operation
  const query = new URLSearchParams()
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
  let url = path
  for (const { name, in: place } of operation.parameters) {
    if (!(name in parameters)) continue
    const value = parameters[name]
    const text = typeof value === 'string' ? value.replace(/\p{Cs}/gu, '') : [value].flat().join(',')
    if (place === 'path') url = url.replace(`{${name}}`, encodeURIComponent(text))
    else if (place === 'query') query.append(name, text)
    else headers[name] = text.replace(/[^\x20-\x7e]/g, '')
  }
  const content = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  return {
    operation,
    method,
    headers,
    body: content,
    mutation: undefined,
    url: query.size > 0 ? `${url}?${query}` : url,
  }
}
