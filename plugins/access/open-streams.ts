import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ServiceError } from '../http/errors.js'

/** How often it is looked whether the keys of open streams still count. */
const CHECK_MS = 2_000

/**
 * Event streams last for hours. One ends soon after its key is removed or loses its role, or its token expires.
 *
 * @param assertAdmitted fails for a request that would be refused now
 */
export function endRefusedStreams(
  app: FastifyInstance,
  assertAdmitted: (request: FastifyRequest) => Promise<void>,
): void {
  const open = new Map<FastifyReply['raw'], FastifyRequest>()
  const check = async (): Promise<void> => {
    for (const [response, request] of open) {
      // An answer that waits for the one before it on its connection does not hear of its end.
      if (request.raw.socket.destroyed) open.delete(response)
      const refusal = await assertAdmitted(request).catch((error: ServiceError) => error)
      // An identity provider that is away refuses nobody.
      if (refusal?.statusCode !== 401 && refusal?.statusCode !== 403) continue
      request.log.info({ code: refusal.code }, 'the stream ends: its caller may not read it any more')
      response.destroy()
    }
  }
  let checking: Promise<void> | undefined
  const timer = setInterval(() => {
    checking ??= check().finally(() => (checking = undefined))
  }, CHECK_MS).unref()
  app.addHook('onClose', async () => clearInterval(timer))
  app.addHook('preHandler', (request, { raw }, done) => {
    if (request.routeOptions.config.slots === 'events') {
      open.set(raw, request)
      raw.once('close', () => open.delete(raw))
    }
    done()
  })
}
