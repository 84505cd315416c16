import { FAILURES } from '../../../plugins/http/errors.js'
import type { FuzzAnswer } from './client.js'
import type { Contract, Operation } from './contract.js'
import type { FuzzRequest } from './request.js'

/** Traces of the inside, which no answer has. */
const INTERNALS = /node_modules|\.[jt]s:\d+|\n {4}at |ECONN[A-Z]|\/dist\/|"stack"|TypeError|RangeError/

/** Finds what is wrong with answers. */
export function createOracle(contract: Contract) {
  const routes = contract.operations.map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}$`),
  }))

  /** The operation that answers a request, however it was meant; undefined when there is none. */
  function operationOf({ method, url }: FuzzRequest): Operation | undefined {
    const path = url
      .split('?', 1)[0]!
      .replace(/^http:\/\/[^/]*/, '')
      .replace(/\/{2,}/g, '/')
    const answering = method === 'HEAD' ? 'GET' : method
    const found = routes.filter(
      ({ operation, pattern }) => operation.method === answering && pattern.test(path),
    )
    // /incidents/stream is no id.
    return (found.find(({ operation }) => operation.path === path) ?? found[0])?.operation
  }

  /** What is wrong with an answer, or undefined. */
  return function problemOf(request: FuzzRequest, answer: FuzzAnswer): string | undefined {
    const { status, headers, body } = answer
    if (status >= 500 && status !== 503) return `status ${status}`
    if (status === 503 && !/^\d+$/.test(headers['retry-after'] ?? '')) return '503 without Retry-After'
    if (status === 405 && !headers.allow) return '405 without Allow'
    if (request.method === 'HEAD') return body.length > 0 ? 'HEAD with a body' : undefined
    const isOther = /^(?:http:\/\/[^/]*)?\/+docs/.test(request.url) || request.method === 'OPTIONS'
    if (isOther && status < 400) return undefined
    const type = (headers['content-type'] ?? '').split(';', 1)[0]!
    const json = type === 'application/json' ? parsed(body) : undefined
    if (json === NOT_JSON) return 'a body that is not JSON'
    if (status >= 400 && INTERNALS.test(body.toString())) return 'an answer with something internal'
    const operation = operationOf(request)
    if (operation === undefined || status === 404 || status === 405) {
      if (status < 400) return `status ${status} without an operation`
      return isOtlp(request) ? undefined : problemOfFailure(status, json)
    }
    const problem = contract.explain(operation, { status, type, body: json })
    return problem ?? (status >= 400 && !isOtlp(request) ? problemOfFailure(status, json) : undefined)
  }

  function problemOfFailure(status: number, json: unknown): string | undefined {
    if (json === undefined) return `status ${status} without JSON`
    const problem = contract.explainFailure(json)
    if (problem !== undefined) return `no failure of the contract: ${problem}`
    const { code, message } = json as { code: keyof typeof FAILURES; message: string }
    if (FAILURES[code] !== status) return `code ${code} with status ${status}`
    return message.trim() === '' ? 'an empty message' : undefined
  }
}

/** OTLP has failures of its own: google.rpc.Status. */
const isOtlp = ({ url }: FuzzRequest) => /^(?:http:\/\/[^/]*)?\/+v1\//.test(url)

const NOT_JSON = Symbol('not JSON')

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown
  } catch {
    return NOT_JSON
  }
}
