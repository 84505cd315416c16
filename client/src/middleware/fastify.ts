import type { ServerResponse } from 'node:http'
import type { GatewayRequest, MLMiddlewareOptions } from './options.js'
import { createWatch, type MLMiddlewareStatus } from './watch.js'

type Done = (error?: Error) => void
type OnRequest = (request: GatewayRequest, reply: { readonly raw: unknown }, done: Done) => void

/** What of a Fastify instance is needed. */
export interface FastifyLike {
  addHook(name: 'onRequest', hook: OnRequest): unknown
  addHook(name: 'onClose', hook: () => Promise<void>): unknown
  decorate(name: 'mlStatus', value: () => MLMiddlewareStatus): unknown
}

/**
 * The same for Fastify, for all routes of the instance: to be registered before them. Decorates it with
 * `mlStatus()`; the last interval is reported when the instance closes.
 *
 * @throws RangeError naming the option that is wrong
 */
export function mlFastify(app: FastifyLike, options: MLMiddlewareOptions, done: Done): void {
  const { observe, close, status } = createWatch(options)
  app.decorate('mlStatus', status)
  // onResponse is not called for a client that has gone; the response itself is told of either end.
  app.addHook('onRequest', (request, { raw }, next) => {
    observe(request, raw as ServerResponse)
    next()
  })
  app.addHook('onClose', close)
  done()
}

// As fastify-plugin does it: the hooks are for the instance around the plugin.
Object.assign(mlFastify, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@aegis/ml-client',
})
