import { Type } from '@sinclair/typebox'
import { INGEST_BODY, INGEST_RESULT, REQUEST } from './examples/ingest.js'
import { ref, timestamp } from './types.js'

export const MAX_REQUESTS = 10_000

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
    'Id of the batch, unique across all gateways, 1 to 128 characters. A repeated batch_id adds nothing for eight days. Choose the id once, before the first attempt, for example a random UUID.',
})

export const IngestedRequest = Type.Object(
  {
    timestamp: timestamp(
      'When the request arrived at the gateway. It must not be older than RETENTION_DAYS nor more than five minutes in the future.',
    ),
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
    batch_id: BatchId,
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

export const IngestQuery = Type.Object({
  batch_id: Type.Optional({ ...BatchId, description: 'Id of the batch. Required with an NDJSON body.' }),
})

export const IngestResult = Type.Object(
  {
    batch_id: Type.String({ description: 'Id of the batch.' }),
    accepted: Type.Integer({ minimum: 0, description: 'Number of requests that were added to the table.' }),
    duplicate: Type.Boolean({ description: 'True if the batch was already stored. Nothing was added.' }),
  },
  { $id: 'IngestResult', description: 'The outcome of a batch.', examples: [INGEST_RESULT] },
)
