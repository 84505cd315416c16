import type { ServerResponse } from 'node:http'
import type { GatewayRequest } from './options.js'

/** The client has gone before it had its answer; nginx's number. */
const CLIENT_CLOSED_REQUEST = 499

/** A request under way, as the middleware saw it come. */
export interface ObservedRequest {
  /** By the monotonic clock. */
  readonly beganMs: number
  readonly request: GatewayRequest
  /** Known as long as the connection is. */
  readonly address: string | undefined
}

export interface Outcome {
  readonly status: number
  /** Event streams last as long as somebody looks: that is no latency, and their end no failure. */
  readonly isEventStream: boolean
}

/** How a response whose connection has let go of it has ended. */
export function outcomeOf(response: ServerResponse): Outcome {
  const isEventStream = hasEvents(response)
  // The responses of HTTP/2 know writableEnded alone.
  const isWhole = response.writableFinished ?? response.writableEnded
  const status =
    isWhole || (isEventStream && response.headersSent) ? response.statusCode : CLIENT_CLOSED_REQUEST
  return { status, isEventStream }
}

const EVENT_STREAM = /^content-type: *text\/event-stream/im

function hasEvents(response: ServerResponse): boolean {
  const type = response.getHeader('content-type')
  if (type !== undefined) return typeof type === 'string' && type.startsWith('text/event-stream')
  // writeHead with an object passes the headers by: they are in the head alone, as node:http keeps it.
  const { _header: head } = response as ServerResponse & { _header?: unknown }
  return typeof head === 'string' && EVENT_STREAM.test(head)
}
