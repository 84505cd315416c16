import protobuf from 'protobufjs/light.js'
import { createValueCounter, MalformedBodyError, TooManyValuesError } from './bounds.js'
import type { ExportResponse, LogRequest, RpcStatus, Signal, TraceRequest } from './messages.js'

const { BufferReader, Root } = protobuf

const field = (id: number, type: string) => ({ id, type })
const list = (id: number, type: string) => ({ id, type, rule: 'repeated' })
const message = (fields: protobuf.IType['fields']) => ({ fields })

/**
 * The messages of opentelemetry-proto 1.x (common, resource, trace, logs and their collector services), and
 * google.rpc.Status. Fields that the service does not read are left out: the decoder skips them.
 */
const SCHEMA = Root.fromJSON({
  nested: {
    AnyValue: {
      ...message({
        stringValue: field(1, 'string'),
        boolValue: field(2, 'bool'),
        intValue: field(3, 'int64'),
        doubleValue: field(4, 'double'),
        kvlistValue: field(6, 'KeyValueList'),
      }),
      oneofs: { value: { oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'kvlistValue'] } },
    },
    KeyValue: message({ key: field(1, 'string'), value: field(2, 'AnyValue') }),
    KeyValueList: message({ values: list(1, 'KeyValue') }),
    Resource: message({ attributes: list(1, 'KeyValue') }),

    TraceRequest: message({ resourceSpans: list(1, 'ResourceSpans') }),
    ResourceSpans: message({ resource: field(1, 'Resource'), scopeSpans: list(2, 'ScopeSpans') }),
    ScopeSpans: message({ spans: list(2, 'Span') }),
    Span: message({
      kind: field(6, 'int32'),
      startTimeUnixNano: field(7, 'fixed64'),
      endTimeUnixNano: field(8, 'fixed64'),
      attributes: list(9, 'KeyValue'),
      status: field(15, 'SpanStatus'),
    }),
    SpanStatus: message({ message: field(2, 'string'), code: field(3, 'int32') }),

    LogRequest: message({ resourceLogs: list(1, 'ResourceLogs') }),
    ResourceLogs: message({ resource: field(1, 'Resource'), scopeLogs: list(2, 'ScopeLogs') }),
    ScopeLogs: message({ logRecords: list(2, 'LogRecord') }),
    LogRecord: message({
      timeUnixNano: field(1, 'fixed64'),
      body: field(5, 'AnyValue'),
      attributes: list(6, 'KeyValue'),
      observedTimeUnixNano: field(11, 'fixed64'),
    }),

    ExportResponse: message({ partialSuccess: field(1, 'PartialSuccess') }),
    PartialSuccess: message({ rejected: field(1, 'int64'), errorMessage: field(2, 'string') }),
    RpcStatus: message({ code: field(1, 'int32'), message: field(2, 'string') }),
  },
})

const REQUESTS = { traces: SCHEMA.lookupType('TraceRequest'), logs: SCHEMA.lookupType('LogRequest') } as const
const EXPORT_RESPONSE = SCHEMA.lookupType('ExportResponse')
const RPC_STATUS = SCHEMA.lookupType('RpcStatus')

/** Counts fields, so that a small body cannot become many objects. */
class CountingReader extends BufferReader {
  readonly #count = createValueCounter()

  override tag(): number {
    this.#count()
    return super.tag()
  }
}

/** @throws MalformedBodyError, TooManyValuesError */
export function decodeRequest(signal: Signal, body: Buffer): TraceRequest | LogRequest {
  try {
    return REQUESTS[signal].decode(new CountingReader(body)) as TraceRequest | LogRequest
  } catch (error) {
    if (error instanceof TooManyValuesError) throw error
    throw new MalformedBodyError(`is not a protobuf of OTLP ${signal}`, { cause: error })
  }
}

export function encodeResponse(response: ExportResponse): Buffer {
  return Buffer.from(EXPORT_RESPONSE.encode(response).finish())
}

export function encodeStatus(status: RpcStatus): Buffer {
  return Buffer.from(RPC_STATUS.encode(status).finish())
}
