import { Type, type Static, type TSchema } from '@sinclair/typebox'
import {
  ATTRIBUTE,
  LOG_REQUEST,
  LOGS_RESPONSE,
  RPC_STATUS,
  TRACE_REQUEST,
  TRACE_RESPONSE,
} from './examples/otlp.js'
import { ref } from './types.js'

/** In protobuf's JSON, null is a field that is not there. */
const optional = <T extends TSchema>(schema: T) =>
  Type.Optional(Type.Unsafe<Static<T> | null>({ ...schema, type: [schema['type'] as string, 'null'].flat() }))

const text = (description: string) => optional(Type.String({ description }))

const list = <T extends TSchema>(items: T, description: string) =>
  optional(Type.Array(items, { description }))

const code = (description: string) => optional(Type.Integer({ minimum: 0, maximum: 100, description }))

/** 64 bits, as text or as a number. */
const int64 = (description: string) =>
  optional(
    Type.Unsafe<string | number>({
      type: ['string', 'integer'],
      pattern: '^-?\\d{1,20}$',
      maxLength: 21,
      description,
    }),
  )

const nanoseconds = (what: string) => int64(`${what}, in nanoseconds since 1970.`)

export const OtlpAttribute = Type.Object(
  {
    key: text('Name of the attribute.'),
    value: optional(
      Type.Object(
        {
          stringValue: text('A text.'),
          intValue: int64('A whole number.'),
          doubleValue: optional(
            Type.Unsafe<number | string>({ type: ['number', 'string'], description: 'A number.' }),
          ),
          boolValue: optional(Type.Boolean({ description: 'True or false.' })),
        },
        { description: 'An AnyValue: one of its fields is set.' },
      ),
    ),
  },
  { $id: 'OtlpAttribute', description: 'A KeyValue of OTLP.', examples: [ATTRIBUTE] },
)

const attributes = () => list(ref(OtlpAttribute), 'Attributes, named by the semantic conventions.')

const resource = () =>
  optional(
    Type.Object({ attributes: attributes() }, { description: 'Its attribute service.name is the backend.' }),
  )

const Span = Type.Object({
  kind: code('SpanKind: 2 is a server.'),
  startTimeUnixNano: nanoseconds('When the request arrived'),
  endTimeUnixNano: nanoseconds('When it was answered'),
  attributes: attributes(),
  status: optional(
    Type.Object(
      { code: code('StatusCode: 2 is an error.'), message: text('The error message.') },
      { description: 'Status of the span.' },
    ),
  ),
})

export const ExportTraceRequest = Type.Object(
  {
    resourceSpans: list(
      Type.Object({
        resource: resource(),
        scopeSpans: list(Type.Object({ spans: list(Span, 'The spans.') }), 'Spans by instrumentation.'),
      }),
      'Spans by resource.',
    ),
  },
  {
    $id: 'ExportTraceRequest',
    description: 'ExportTraceServiceRequest of OTLP. Only the fields that are read are listed.',
    examples: [TRACE_REQUEST],
  },
)
export type ExportTraceRequest = Static<typeof ExportTraceRequest>

const Body = Type.Object(
  {
    stringValue: text('A line of an access log: JSON, or the common log format.'),
    kvlistValue: optional(
      Type.Object({ values: attributes() }, { description: 'Attributes of the request.' }),
    ),
  },
  { description: 'An AnyValue.' },
)

const LogRecord = Type.Object({
  timeUnixNano: nanoseconds('When the request was logged'),
  observedTimeUnixNano: nanoseconds('When the record was collected; used without timeUnixNano'),
  body: optional(Body),
  attributes: attributes(),
})

export const ExportLogsRequest = Type.Object(
  {
    resourceLogs: list(
      Type.Object({
        resource: resource(),
        scopeLogs: list(
          Type.Object({ logRecords: list(LogRecord, 'The records.') }),
          'Records by instrumentation.',
        ),
      }),
      'Records by resource.',
    ),
  },
  {
    $id: 'ExportLogsRequest',
    description: 'ExportLogsServiceRequest of OTLP. Only the fields that are read are listed.',
    examples: [LOG_REQUEST],
  },
)
export type ExportLogsRequest = Static<typeof ExportLogsRequest>

const exportResponse = (rejected: string, what: string, options: object) =>
  Type.Object(
    {
      partialSuccess: Type.Optional(
        Type.Object(
          {
            [rejected]: Type.String({
              pattern: '^\\d+$',
              description: `Number of ${what} that were not stored.`,
            }),
            errorMessage: Type.String({ description: 'How many were not stored, by reason.' }),
          },
          { description: 'Absent when everything was accepted.' },
        ),
      ),
    },
    options,
  )

export const TraceResponse = exportResponse('rejectedSpans', 'HTTP server spans', {
  $id: 'TraceResponse',
  description: 'ExportTraceServiceResponse of OTLP.',
  examples: [TRACE_RESPONSE, {}],
})

export const LogsResponse = exportResponse('rejectedLogRecords', 'log records', {
  $id: 'LogsResponse',
  description: 'ExportLogsServiceResponse of OTLP.',
  examples: [LOGS_RESPONSE, {}],
})

export const RpcStatus = Type.Object(
  {
    code: Type.Integer({ description: 'A google.rpc.Code.' }),
    message: Type.String({ description: 'What is wrong and what to do next.' }),
  },
  {
    $id: 'RpcStatus',
    description: 'google.rpc.Status: the body of every failed OTLP request.',
    examples: [RPC_STATUS],
  },
)

/** The same message in both encodings. */
const otlpContent = (schema: TSchema) => ({
  'application/json': { schema: ref(schema) },
  'application/x-protobuf': { schema: { description: `${schema.description} As protobuf.` } },
})

export const otlpResponse = (schema: TSchema) => ({
  description: 'The requests are stored durably.',
  content: otlpContent(schema),
})

const FAILURES = {
  400: 'The body is not OTLP. Do not send it again.',
  401: 'No key, or none that is known. Only where keys are defined.',
  403: 'The key has not the role detect.',
  413: 'The body is larger than 8 MiB, or larger than 64 MiB once inflated, or has more than 2,000,000 values.',
  415: 'The content type is neither application/x-protobuf nor application/json, or the encoding is not gzip.',
  429: 'More requests in a minute than RATE_LIMIT allows. Send the body again after Retry-After.',
  503: 'The requests cannot be stored now. Send the body again after Retry-After.',
  default: 'Any other failure.',
} as const

export const otlpFailures = () =>
  Object.fromEntries(
    Object.entries(FAILURES).map(([status, description]) => [
      status,
      { description, content: otlpContent(RpcStatus) },
    ]),
  )
