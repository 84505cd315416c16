import { Type, type Static, type TSchema } from '@sinclair/typebox'

/** One of some texts, as a plain `enum`. */
export function oneOf<const T extends string[]>(values: T, options: object = {}) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: values, ...options })
}

/** A value that may be null. It is also right for objects, which Type.Union with null is not. */
export function nullable<T extends TSchema>(schema: T, options: object = {}) {
  return Type.Unsafe<Static<T> | null>({ anyOf: [schema, { type: 'null' }], ...options })
}

/** A value for each of the five features. */
export function perFeature<T extends TSchema>(schema: T, options: object = {}) {
  const of = (name: string) => ({ description: `For ${name}.`, ...schema })
  return Type.Object(
    {
      requests_per_second: of('requests per second'),
      avg_latency_ms: of('the mean latency'),
      p95_latency_ms: of('the 95th percentile of the latency'),
      p99_latency_ms: of('the 99th percentile of the latency'),
      error_rate: of('the error rate'),
    },
    options,
  )
}

/** A reference to a schema of `sharedSchemas`, which the OpenAPI document contains once. */
export function ref<T extends TSchema>(schema: T) {
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })
}

const ISO_8601 = { format: 'date-time', examples: ['2026-01-31T12:00:00.000Z'] }

/** ISO-8601. */
export const Timestamp = Type.String({ ...ISO_8601, description: 'An ISO-8601 time.' })

/** An ISO-8601 time with a meaning. */
export const timestamp = (description: string) => Type.String({ ...ISO_8601, description })

/** The end of a range of a query. Its example is after that of the start, as Swagger UI sends both. */
export const endTime = (description: string) =>
  Type.String({ ...ISO_8601, examples: ['2026-02-01T12:00:00.000Z'], description })

/** A whole number from 0. */
export const count = (description: string) => Type.Integer({ minimum: 0, description })

/** A number from 0. */
export const amount = (description: string) => Type.Number({ minimum: 0, description })

/** A number from 0 to 1. */
export const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })

/** The body of a POST without fields. */
export const Nothing = Type.Object(
  {},
  { $id: 'Nothing', description: 'An empty object. The body may also be left out.', examples: [{}] },
)

export const Failure = Type.Object(
  {
    success: Type.Literal(false, { description: 'Always false.' }),
    error: Type.Literal(true, { description: 'Always true.' }),
    code: Type.String({
      description: 'A stable code. docs/errors.md lists every code.',
      examples: ['INVALID_REQUEST'],
    }),
    message: Type.String({ description: 'What is wrong and what to do next.' }),
    details: Type.Unknown({ description: 'More about the failure, or null.' }),
    timestamp: timestamp('When the service answered.'),
    request_id: Type.Optional(
      Type.String({
        description: 'The id of the request, as in the header x-request-id and in the log.',
        examples: ['4bf92f3577b34da6a3ce929d0e0e4736'],
      }),
    ),
  },
  {
    $id: 'Failure',
    description: 'The body of every failed request.',
  },
)

const DESCRIPTIONS = {
  400: 'The request is invalid. The message names the field and the allowed values.',
  404: 'Nothing has this name or id.',
  409: 'The service is not in the required state. The message says what to do first.',
  413: 'The body is larger than this route allows. The message says what is allowed.',
  415: 'The content type is not application/json.',
  503: 'The database cannot be reached, the service is stopping, or it is overloaded.',
} as const

/** The failures that a route may answer with, for its `response`. */
export function failures<S extends keyof typeof DESCRIPTIONS>(...statuses: S[]) {
  return Object.fromEntries(
    statuses.map((status) => [status, { description: DESCRIPTIONS[status], ...ref(Failure) }]),
  ) as Record<S, ReturnType<typeof ref<typeof Failure>>>
}
