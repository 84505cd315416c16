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

/** What was over sooner is like any other answer, and need not be looked at twice. */
const SHORTEST_STREAM_MS = 50

/**
 * How a response has ended that its connection has let go of. Each look at a response takes its time, those of
 * Express most of all: most answers are done with after two.
 */
export function outcomeOf(response: ServerResponse, durationMs: number): Outcome {
  // The responses of HTTP/2 know writableEnded alone.
  const isWhole = response.writableFinished ?? response.writableEnded
  if (isWhole && durationMs < SHORTEST_STREAM_MS) return { status: response.statusCode, isEventStream: false }
  const isEventStream = response.headersSent && hasEvents(response)
  return { status: isWhole || isEventStream ? response.statusCode : CLIENT_CLOSED_REQUEST, isEventStream }
}

const EVENT_STREAM = /^content-type: *text\/event-stream/im

function hasEvents(response: ServerResponse): boolean {
  const type = response.getHeader('content-type')
  if (type !== undefined) return typeof type === 'string' && type.startsWith('text/event-stream')
  // writeHead with an object passes the headers by: they are in the head alone, as node:http keeps it.
  const { _header: head } = response as ServerResponse & { _header?: unknown }
  return typeof head === 'string' && EVENT_STREAM.test(head)
}
