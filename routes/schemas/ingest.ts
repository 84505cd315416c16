import { Type } from '@sinclair/typebox'
import { INGEST_BODY, INGEST_RESULT, REQUEST } from './examples/ingest.js'
import { nullable, oneOf, ref } from './types.js'

const MAX_REQUESTS = 10_000

/** PostgreSQL has no U+0000. */
const NO_NUL = '^[^\\u0000]*$'

const text = (maxLength: number, description: string) =>
  Type.Optional(
    Type.String({
      maxLength,
      pattern: NO_NUL,
      description: `${description} At most ${maxLength} characters.`,
    }),
  )

/** Printable: no control, format or unassigned characters. */
const BatchId = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^\\P{C}+$',
  description:
    'Id of the batch, unique for its source, 1 to 128 characters. A repeated batch adds nothing for eight days; other content with the same id is refused (409). Choose the id once, before the first attempt, for example a random UUID. Default: the SHA-256 of the body.',
})

const Source = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^\\P{C}+$',
  description: 'Who sends the batch, such as the name of a gateway, 1 to 128 characters. Default: "default".',
})

export const IngestedRequest = Type.Object(
  {
    timestamp: Type.Union([Type.String(), Type.Number()], {
      description:
        'When the request arrived at the gateway: an ISO-8601 time, or the seconds or milliseconds since 1970 (a number or its digits, also with a fraction). It must not be older than RETENTION_DAYS nor more than five minutes in the future.',
      examples: ['2026-01-31T12:00:00.000Z'],
    }),
    method: Type.String({
      minLength: 1,
      maxLength: 32,
      pattern: '^[A-Za-z-]+$',
      description: 'HTTP method. It is stored in upper case and cut to the length of the column.',
    }),
    path: Type.String({
      minLength: 1,
      maxLength: 2048,
      pattern: '^[^?\\u0000][^\\u0000]*$',
      description: 'Path of the request. The query string and anything beyond 2,000 bytes are cut off.',
    }),
    status_code: Type.Integer({ minimum: 100, maximum: 599, description: 'HTTP status, 100 to 599.' }),
    response_time_ms: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1e9,
        description: 'Response time in milliseconds. It is stored as a whole number.',
      }),
    ),
    user_id: text(
      128,
      'Id of the user. Limits by client use it, or the IP address for requests without a user id.',
    ),
    ip_address: Type.Optional(
      Type.String({
        format: 'ip',
        maxLength: 64,
        description: 'IP address of the client, IPv4 or IPv6.',
      }),
    ),
    user_agent: text(1024, 'The User-Agent header.'),
    backend: text(64, 'Name of the backend that answered.'),
    request_id: Type.Optional(
      Type.String({ format: 'uuid', maxLength: 36, description: 'Id of the request, a UUID.' }),
    ),
    error: text(2048, 'Error message of a failed request.'),
  },
  {
    $id: 'IngestedRequest',
    description: 'One request that a gateway has answered.',
    examples: [REQUEST],
  },
)

export const IngestBody = Type.Object(
  {
    batch_id: Type.Optional(BatchId),
    source: Type.Optional(Source),
    requests: Type.Array(ref(IngestedRequest), {
      minItems: 1,
      maxItems: MAX_REQUESTS,
      description: 'The requests, 1 to 10,000.',
    }),
  },
  {
    $id: 'IngestBody',
    description: 'Requests that are stored together: all of them or none.',
    examples: [INGEST_BODY],
  },
)

/** A body that is not NDJSON. */
export const IngestPayload = Type.Union([
  ref(IngestBody),
  ref(IngestedRequest),
  Type.Array(ref(IngestedRequest), { minItems: 1, maxItems: MAX_REQUESTS }),
])

export const IngestQuery = Type.Object({
  batch_id: Type.Optional({ ...BatchId, description: 'Id of the batch, unless the body contains it.' }),
  source: Type.Optional({ ...Source, description: 'Who sends the batch, unless the body says it.' }),
  on_invalid: Type.Optional(
    oneOf(['reject', 'skip'], {
      default: 'reject',
      description:
        'What an invalid request does. `reject`: the batch fails and nothing is stored. `skip`: the others are stored, and the answer has the number of those that were skipped and the reasons.',
    }),
  ),
  preset: Type.Optional(
    oneOf(['nginx', 'envoy', 'traefik', 'caddy', 'kong', 'haproxy', 'apisix'], {
      description: 'The rows are the JSON access log of this server. Other fields of the rows are ignored.',
    }),
  ),
  map: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2000,
      description:
        'Where the fields are found in the rows, as `target:source` between commas, for example `path:uri,response_time_ms:request_time*1000,method:request.method`. It counts before a preset. Dots lead into objects, `|` separates alternatives, and `*` multiplies a time.',
    }),
  ),
})

export const IngestHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ maxLength: 130, description: 'Id of the batch, where no batch_id is given.' }),
  ),
})

const SkippedReason = Type.Object({
  field: nullable(Type.String(), { description: 'The field, null for a whole row.' }),
  reason: oneOf(['missing', 'invalid', 'out_of_range', 'not_json', 'no_partition'], {
    description:
      '`missing`: a required field is not there. `invalid`: a value is not allowed. `out_of_range`: the time is too old or in the future. `not_json`: the row is not valid JSON. `no_partition`: the traffic table has no partition for its time.',
  }),
  count: Type.Integer({ minimum: 1, description: 'Number of requests that were skipped for this reason.' }),
})

const SkippedRequest = Type.Object({
  row: Type.String({ description: 'The line of NDJSON, or the entry of the list.', examples: ['Line 4'] }),
  field: nullable(Type.String(), { description: 'The field, null for a whole row.' }),
  problem: Type.String({ description: 'What is wrong and what is allowed.' }),
})

export const IngestResult = Type.Object(
  {
    batch_id: Type.String({ description: 'Id of the batch.' }),
    source: Type.String({ description: 'Who has sent the batch.' }),
    accepted: Type.Integer({ minimum: 0, description: 'Number of requests that were added to the table.' }),
    duplicate: Type.Boolean({ description: 'True if the batch was already stored. Nothing was added.' }),
    skipped: Type.Integer({
      minimum: 0,
      description: 'Number of invalid requests that were skipped. Always 0 unless on_invalid is skip.',
    }),
    skipped_reasons: Type.Optional(
      Type.Array(SkippedReason, {
        description: 'Why, the most frequent reason first. Absent if skipped is 0.',
      }),
    ),
    skipped_requests: Type.Optional(
      Type.Array(SkippedRequest, { description: 'The first 20 of them. Absent if skipped is 0.' }),
    ),
  },
  { $id: 'IngestResult', description: 'The outcome of a batch.', examples: [INGEST_RESULT] },
)
