/**
 * The parts of an OTLP export request that the service reads, in the shape of OTLP's JSON encoding. A decoded protobuf
 * has the same shape. Every field may be missing, and null is a missing field.
 */
export interface TraceRequest {
  readonly resourceSpans?: Maybe<readonly ResourceSpans[]>
}

export interface LogRequest {
  readonly resourceLogs?: Maybe<readonly ResourceLogs[]>
}

export interface ResourceSpans {
  readonly resource?: Maybe<Resource>
  readonly scopeSpans?: Maybe<readonly { readonly spans?: Maybe<readonly Span[]> }[]>
}

export interface ResourceLogs {
  readonly resource?: Maybe<Resource>
  readonly scopeLogs?: Maybe<readonly { readonly logRecords?: Maybe<readonly LogRecord[]> }[]>
}

export interface Resource {
  readonly attributes?: Maybe<readonly KeyValue[]>
}

export interface Span {
  /** A SpanKind: 2 is a server. */
  readonly kind?: Maybe<number>
  readonly startTimeUnixNano?: Maybe<Int64>
  readonly endTimeUnixNano?: Maybe<Int64>
  readonly attributes?: Maybe<readonly KeyValue[]>
  /** The code is a StatusCode: 2 is an error. */
  readonly status?: Maybe<{ readonly message?: Maybe<string>; readonly code?: Maybe<number> }>
}

export interface LogRecord {
  readonly timeUnixNano?: Maybe<Int64>
  readonly observedTimeUnixNano?: Maybe<Int64>
  readonly body?: Maybe<AnyValue>
  readonly attributes?: Maybe<readonly KeyValue[]>
}

export interface KeyValue {
  readonly key?: Maybe<string>
  readonly value?: Maybe<AnyValue>
}

/** One of the fields is set. */
export interface AnyValue {
  readonly stringValue?: Maybe<string>
  readonly boolValue?: Maybe<boolean>
  readonly intValue?: Maybe<Int64>
  readonly doubleValue?: Maybe<number | string>
  readonly kvlistValue?: Maybe<{ readonly values?: Maybe<readonly KeyValue[]> }>
}

/** 64 bits: text or a number in JSON, an object in a decoded protobuf. */
export type Int64 = string | number | { toNumber(): number }

/** The nearest number that JavaScript has. */
export function toNumber(value: Int64): number {
  return typeof value === 'object' ? value.toNumber() : Number(value)
}

type Maybe<T> = T | null | undefined

/** What an export request carries. */
export type Signal = 'traces' | 'logs'

/** The answer to an export request: empty when every record was accepted. */
export interface ExportResponse {
  readonly partialSuccess?: { readonly rejected: number; readonly errorMessage: string }
}

/** google.rpc.Status: the answer to a request that failed. */
export interface RpcStatus {
  readonly code: number
  readonly message: string
}

/** Records of an export request, and the attributes of the resource that they belong to. */
export interface Group<T> {
  readonly resource: readonly KeyValue[]
  readonly records: readonly T[]
}

export function* spanGroups({ resourceSpans }: TraceRequest): Generator<Group<Span>> {
  for (const { resource, scopeSpans } of resourceSpans ?? []) {
    for (const { spans } of scopeSpans ?? []) {
      if (spans?.length) yield { resource: resource?.attributes ?? [], records: spans }
    }
  }
}

export function* logGroups({ resourceLogs }: LogRequest): Generator<Group<LogRecord>> {
  for (const { resource, scopeLogs } of resourceLogs ?? []) {
    for (const { logRecords } of scopeLogs ?? []) {
      if (logRecords?.length) yield { resource: resource?.attributes ?? [], records: logRecords }
    }
  }
}
