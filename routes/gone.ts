import type { FastifyReply } from 'fastify'

/** Aborted when the caller disconnects before its answer. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(new Error('The caller is gone.')))
  return gone.signal
}
