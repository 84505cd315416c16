import { Type } from '@sinclair/typebox'
import { ref, Timestamp } from './types.js'

export const MAX_REQUESTS = 10_000

/** PostgreSQL has no U+0000. */
const NO_NUL = '^[^\\u0000]*$'

const text = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ maxLength, pattern: NO_NUL, description }))

/** Printable: no control, format or unassigned characters. */
const BatchId = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^\\P{C}+$',
  description:
    'Names the batch, over all gateways; a repeat within eight days adds nothing. Choose it once, before the batch is first sent: a random UUID, say.',
})

export const IngestedRequest = Type.Object(
  {
    timestamp: {
      ...Timestamp,
      description:
        'When it arrived at the gateway: not older than RETENTION_DAYS, and not more than five minutes ahead of the clock.',
    },
    method: Type.String({
      minLength: 1,
      maxLength: 32,
      pattern: '^[A-Za-z-]+$',
      description: 'Stored in upper case, as far as the column holds it.',
    }),
    path: Type.String({
      minLength: 1,
      maxLength: 2048,
      pattern: '^[^?\\u0000][^\\u0000]*$',
      description: 'A query string is cut off, and so is what is beyond 2,000 bytes.',
    }),
    status_code: Type.Integer({ minimum: 100, maximum: 599 }),
    response_time_ms: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1e9, description: 'Stored as whole milliseconds.' }),
    ),
    user_id: text(128, 'Who asked; limits by client go by it, or by the address.'),
    ip_address: Type.Optional(
      Type.String({ format: 'ip', maxLength: 64, description: 'Of the client, IPv4 or IPv6.' }),
    ),
    user_agent: text(1024, 'The header of that name.'),
    backend: text(64, 'Which server behind the gateway answered.'),
    request_id: Type.Optional(Type.String({ format: 'uuid', maxLength: 36 })),
    error: text(2048, 'What went wrong, in words.'),
  },
  {
    $id: 'IngestedRequest',
    description: 'One request that a gateway has answered.',
    examples: [
      {
        timestamp: '2026-01-31T12:00:00.000Z',
        method: 'GET',
        path: '/users/7',
        status_code: 200,
        response_time_ms: 12,
        user_id: 'ada',
        ip_address: '203.0.113.7',
      },
    ],
  },
)

export const IngestBody = Type.Object(
  {
    batch_id: BatchId,
    requests: Type.Array(ref(IngestedRequest), { minItems: 1, maxItems: MAX_REQUESTS }),
  },
  { $id: 'IngestBody', description: 'Requests that are stored all together or not at all.' },
)

export const IngestQuery = Type.Object({
  batch_id: Type.Optional({ ...BatchId, description: 'With NDJSON, which has no other place for it.' }),
})

export const IngestResult = Type.Object(
  {
    batch_id: Type.String(),
    accepted: Type.Integer({ minimum: 0, description: 'Requests that are now in the traffic table.' }),
    duplicate: Type.Boolean({ description: 'The batch was there already; nothing was added.' }),
  },
  { $id: 'IngestResult', description: 'What became of the batch.' },
)
