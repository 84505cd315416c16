import type { ServerResponse } from 'node:http'
import type { GatewayRequest } from './options.js'

/** The client disconnected before the answer; the status code of nginx. */
const CLIENT_CLOSED_REQUEST = 499

/** A request in progress. */
export interface ObservedRequest {
  /** Start, by the monotonic clock. */
  readonly beganMs: number
  readonly request: GatewayRequest
  /** Read at the start, because it is unknown after the connection closes. */
  readonly address: string | undefined
}

export interface Outcome {
  readonly status: number
  /** The duration of an event stream is no latency, and its end is no failure. */
  readonly isEventStream: boolean
}

/** A shorter response is not checked for an event stream. */
const MIN_STREAM_MS = 50

/**
 * The outcome of a closed response. Reading properties of a response takes time, most of all in Express, so most
 * responses are decided with two reads.
 */
export function outcomeOf(response: ServerResponse, durationMs: number): Outcome {
  // Responses of HTTP/2 have only writableEnded.
  const isWhole = response.writableFinished ?? response.writableEnded
  if (isWhole && durationMs < MIN_STREAM_MS) return { status: response.statusCode, isEventStream: false }
  const isEventStream = response.headersSent && hasEvents(response)
  return { status: isWhole || isEventStream ? response.statusCode : CLIENT_CLOSED_REQUEST, isEventStream }
}

const EVENT_STREAM = /^content-type: *text\/event-stream/im

function hasEvents(response: ServerResponse): boolean {
  const type = response.getHeader('content-type')
  if (type !== undefined) return typeof type === 'string' && type.startsWith('text/event-stream')
  // writeHead with an object bypasses the headers: they are only in the internal head of node:http.
  const { _header: head } = response as ServerResponse & { _header?: unknown }
  return typeof head === 'string' && EVENT_STREAM.test(head)
}
