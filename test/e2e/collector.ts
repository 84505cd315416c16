import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import protobuf from 'protobufjs'
import type { Test } from 'tap'

/** A span as a collector gets it; ids are in hex. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for a span without one. */
  readonly parentSpanId: string
  readonly name: string
  readonly kind: number
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly failed: boolean
  /** Traces that it links to. */
  readonly links: readonly string[]
}

export interface Collector {
  readonly endpoint: string
  readonly spans: ReceivedSpan[]
  /** Names and values of the resource that sent the last spans. */
  readonly resource: Record<string, unknown>
  readonly headers: IncomingHttpHeaders[]
  /** The status of the answers. */
  status: number
}

/** A collector of OTLP/HTTP that keeps spans in memory. */
export async function startCollector(t: Test): Promise<Collector> {
  const spans: ReceivedSpan[] = []
  const collector: Collector = { endpoint: '', spans, resource: {}, headers: [], status: 200 }
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      collector.headers.push(request.headers)
      if (collector.status === 200)
        for (const each of REQUEST.decode(body).resourceSpans) keep(collector, each)
      response.writeHead(collector.status, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return Object.assign(collector, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

function keep(collector: Collector, { resource, scopeSpans }: Sent): void {
  Object.assign(collector.resource, valuesOf(resource.attributes))
  for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
    collector.spans.push({
      ...{ traceId: hex(span.traceId), spanId: hex(span.spanId), parentSpanId: hex(span.parentSpanId) },
      ...{ name: span.name, kind: span.kind, attributes: valuesOf(span.attributes) },
      ...{ startNs: BigInt(String(span.startTimeUnixNano)), endNs: BigInt(String(span.endTimeUnixNano)) },
      ...{ failed: span.status?.code === 2, links: span.links.map(({ traceId }) => hex(traceId)) },
    })
  }
}

interface Pair {
  readonly key: string
  readonly value: Record<string, unknown>
}

interface Sent {
  readonly resource: { readonly attributes: Pair[] }
  readonly scopeSpans: { readonly spans: SentSpan[] }[]
}

interface SentSpan {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentSpanId: Uint8Array
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: unknown
  readonly endTimeUnixNano: unknown
  readonly attributes: Pair[]
  readonly status: { readonly code: number } | null
  readonly links: { readonly traceId: Uint8Array }[]
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const valuesOf = (pairs: readonly Pair[]) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))

const SCHEMA = protobuf.parse(`
  syntax = "proto3";
  message AnyValue { oneof value { string s = 1; bool b = 2; int64 i = 3; double d = 4; } }
  message Pair { string key = 1; AnyValue value = 2; }
  message Resource { repeated Pair attributes = 1; }
  message Link { bytes traceId = 1; }
  message Status { int32 code = 3; }
  message Span { bytes traceId = 1; bytes spanId = 2; bytes parentSpanId = 4; string name = 5; int32 kind = 6;
    fixed64 startTimeUnixNano = 7; fixed64 endTimeUnixNano = 8; repeated Pair attributes = 9; repeated Link links = 13;
    Status status = 15; }
  message ScopeSpans { repeated Span spans = 2; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
  message Request { repeated ResourceSpans resourceSpans = 1; }`)
const REQUEST = SCHEMA.root.lookupType('Request') as unknown as {
  decode(body: Buffer): { readonly resourceSpans: Sent[] }
}
