import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'

/** The header of an id, in requests and answers. */
export const REQUEST_ID = 'x-request-id'

/** Without spaces: Node.js joins a header that was sent twice with a comma and a space. */
const PRINTABLE = /^[\x21-\x7e]{1,128}$/

/** `traceparent` of W3C Trace Context. Versions after 00 may add fields at the end. */
const TRACE_PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/

/** The id of a request: that of its `x-request-id`, the trace id of its `traceparent`, or a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID]
  if (typeof given === 'string' && PRINTABLE.test(given)) return given
  return traceIdOf(headers['traceparent']) ?? randomUUID()
}

function traceIdOf(parent: string | string[] | undefined): string | undefined {
  if (typeof parent !== 'string') return undefined
  const [, version, traceId, more] = TRACE_PARENT.exec(parent) ?? []
  return version === '00' && more !== undefined ? undefined : traceId
}

/** Sends the id of each request back. The lines of its log have it as `reqId`. */
export default fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.header(REQUEST_ID, request.id)
      done()
    })
  },
  { name: 'request-id' },
)
