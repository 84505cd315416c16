import type { FastifyReply } from 'fastify'

/** Aborted when the caller closes the connection before the answer is complete: the work can end. */
export function callerClosed(reply: FastifyReply): AbortSignal {
  const closed = new AbortController()
  reply.raw.once('close', () => closed.abort(CALLER_CLOSED))
  return closed.signal
}

/** The status of NGINX for it. Nobody gets the answer, and below 500 it is not logged as an error of the service. */
const CALLER_CLOSED = Object.assign(new Error('The caller closed the connection.'), { statusCode: 499 })
