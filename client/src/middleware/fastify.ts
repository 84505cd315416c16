import type { ServerResponse } from 'node:http'
import type { GatewayRequest, MLMiddlewareOptions } from './options.js'
import { createWatch, type MLMiddlewareStatus } from './watch.js'

type Done = (error?: Error) => void
type OnRequest = (request: GatewayRequest, reply: { readonly raw: unknown }, done: Done) => void

/** The part of a Fastify instance that the plugin needs. */
export interface FastifyLike {
  addHook(name: 'onRequest', hook: OnRequest): unknown
  addHook(name: 'onClose', hook: () => Promise<void>): unknown
  decorate(name: 'mlStatus', value: () => MLMiddlewareStatus): unknown
}

/**
 * The same for Fastify. Register it before the routes of the instance. It decorates the instance with `mlStatus()` and
 * reports the last interval when the instance closes.
 *
 * @throws RangeError naming the invalid option
 */
export function mlFastify(app: FastifyLike, options: MLMiddlewareOptions, done: Done): void {
  const { observe, close, status } = createWatch(options)
  app.decorate('mlStatus', status)
  // onResponse is not called when the client disconnects. The response itself emits close in both cases.
  app.addHook('onRequest', (request, { raw }, next) => {
    observe(request, raw as ServerResponse)
    next()
  })
  app.addHook('onClose', close)
  done()
}

// As fastify-plugin does: the hooks apply to the parent instance.
Object.assign(mlFastify, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@aegis/ml-client',
})
