import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GatewayRequest, MLMiddlewareOptions } from './options.js'
import { createWatch, type MLMiddlewareStatus } from './watch.js'

export type Next = (error?: unknown) => void

/** Middleware for Express 4 and 5, and for node:http without `next`. */
export interface MLMiddleware {
  (request: IncomingMessage, response: ServerResponse, next?: Next): void
  /** Reports the current interval and stops. Resolves within the time limit of the client and never rejects. */
  close(): Promise<void>
  status(): MLMiddlewareStatus
}

/**
 * Reports the traffic of the gateway to the service, one interval at a time. Handlers that are mounted before it are not
 * counted.
 *
 * @throws RangeError naming the invalid option
 */
export function createMLMiddleware(options: MLMiddlewareOptions = {}): MLMiddleware {
  const { observe, close, status } = createWatch(options)
  const middleware = (request: IncomingMessage, response: ServerResponse, next?: Next) => {
    observe(request as GatewayRequest, response)
    next?.()
  }
  return Object.assign(middleware, { close, status })
}
