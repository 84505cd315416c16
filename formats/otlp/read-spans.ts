import { readAttributes, type Attributes } from './attributes.js'
import { isHttp, readHttpRequest, type HttpRequest, type Refusal } from './http-request.js'
import { spanGroups, type Span, type TraceRequest } from './messages.js'
import { unixMs } from './times.js'

const SERVER = 2
const ERROR = 2

/** The requests that the HTTP server spans of an export request describe. Other spans are passed over. */
export function* readSpans(request: TraceRequest): Generator<HttpRequest | Refusal> {
  for (const { resource, records } of spanGroups(request)) {
    const of = readAttributes(resource)
    for (const span of records) {
      if (span.kind !== SERVER) continue
      const attributes = readAttributes(span.attributes ?? [])
      if (isHttp(attributes)) yield readSpan(span, attributes, of)
    }
  }
}

function readSpan(span: Span, attributes: Attributes, resource: Attributes): HttpRequest | Refusal {
  const { startTimeUnixNano, endTimeUnixNano, status } = span
  const timeMs = unixMs(startTimeUnixNano)
  if (timeMs === undefined) return { refused: 'no startTimeUnixNano' }
  const endMs = unixMs(endTimeUnixNano)
  return readHttpRequest(attributes, {
    timeMs,
    durationMs: endMs === undefined ? undefined : endMs - timeMs,
    resource,
    error: status?.code === ERROR ? (status.message ?? '') : undefined,
  })
}
