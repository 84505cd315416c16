import type { FastifyReply } from 'fastify'

/** Aborted when the caller has gone before its answer: nobody waits for the work any more. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(new Error('The caller is gone.')))
  return gone.signal
}
