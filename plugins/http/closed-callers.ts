import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

/** The status of NGINX for an answer that nobody waits for. */
export const CALLER_CLOSED = 499

/** Whether the connection of a request has closed before its answer was complete. */
export function hasLeft({ raw, request }: Pick<FastifyReply, 'raw' | 'request'>): boolean {
  // An answer that waits for the one before it on its connection has no socket yet.
  return raw.destroyed || request.raw.socket.destroyed
}

/** Says in the log when a connection closes before its answer is complete. That is no failure of the service. */
export default fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.raw.on('close', () => {
        if (!reply.raw.writableFinished) {
          request.log.info({ responseTime: reply.elapsedTime }, 'client closed the connection')
        }
      })
      done()
    })
  },
  { name: 'closed-callers' },
)
