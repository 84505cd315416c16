import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GatewayRequest, MLMiddlewareOptions } from './options.js'
import { createWatch, type MLMiddlewareStatus } from './watch.js'

export type Next = (error?: unknown) => void

/** For Express 4 and 5; for node:http without `next`. */
export interface MLMiddleware {
  (request: IncomingMessage, response: ServerResponse, next?: Next): void
  /** Reports the interval under way, the last one. Resolves within the client's time limit and never rejects. */
  close(): Promise<void>
  status(): MLMiddlewareStatus
}

/**
 * Reports the gateway's traffic to the service, interval by interval. What is mounted before it is not counted.
 *
 * @throws RangeError naming the option that is wrong
 */
export function createMLMiddleware(options: MLMiddlewareOptions = {}): MLMiddleware {
  const { observe, close, status } = createWatch(options)
  const middleware = (request: IncomingMessage, response: ServerResponse, next?: Next) => {
    observe(request as GatewayRequest, response)
    next?.()
  }
  return Object.assign(middleware, { close, status })
}
