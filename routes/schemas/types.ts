import { Type, type Static, type TSchema } from '@sinclair/typebox'

/** One of some texts, as a plain `enum`. */
export function oneOf<const T extends string[]>(values: T, options: object = {}) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: values, ...options })
}

/** A text, number or boolean that may be null; objects too. */
export function nullable<T extends TSchema>(schema: T, options: object = {}) {
  return Type.Unsafe<Static<T> | null>({ anyOf: [schema, { type: 'null' }], ...options })
}

/** A value for each of the five features. */
export function perFeature<T extends TSchema>(schema: T, options: object = {}) {
  return Type.Object(
    {
      requests_per_second: schema,
      avg_latency_ms: schema,
      p95_latency_ms: schema,
      p99_latency_ms: schema,
      error_rate: schema,
    },
    options,
  )
}

/** A reference to a schema of `sharedSchemas`, which the OpenAPI document names once. */
export function ref<T extends TSchema>(schema: T) {
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })
}

/** ISO-8601. */
export const Timestamp = Type.String({ format: 'date-time', examples: ['2026-01-31T12:00:00.000Z'] })

/** The body of a POST that asks for nothing. */
export const Nothing = Type.Object({}, { $id: 'Nothing', examples: [{}] })

export const Failure = Type.Object(
  {
    success: Type.Literal(false),
    error: Type.Literal(true),
    code: Type.String({ description: 'Stable; the README lists every code.', examples: ['INVALID_REQUEST'] }),
    message: Type.String({ description: 'What is wrong and what to do next.' }),
    details: Type.Unknown({ description: 'More about the failure, or null.' }),
    timestamp: Timestamp,
  },
  { $id: 'Failure', description: 'What every failed request is answered with.' },
)

const DESCRIPTIONS = {
  400: 'The request is not valid; the message names the field and what is allowed.',
  404: 'There is nothing of that name.',
  409: 'The service is not in the state that this needs; the message says what to do first.',
  413: 'The body is larger than 8 MiB.',
  415: 'The content type is not application/json.',
  503: 'The database cannot be reached, or the service is stopping.',
} as const

/** The failures that a route may answer with, for its `response`. */
export function failures<S extends keyof typeof DESCRIPTIONS>(...statuses: S[]) {
  return Object.fromEntries(
    statuses.map((status) => [status, { description: DESCRIPTIONS[status], ...ref(Failure) }]),
  ) as Record<S, ReturnType<typeof ref<typeof Failure>>>
}
