const failure = (code: string, message: string, details: unknown = null) => ({
  success: false,
  error: true,
  code,
  message,
  details,
  timestamp: '2026-01-31T12:00:00.000Z',
  request_id: '4bf92f3577b34da6a3ce929d0e0e4736',
})

const problem = 'is required; allowed is a finite number from 0 to 1000000000000'

/** One failure for each status, for the OpenAPI document. */
const FAILURES_BY_STATUS: Readonly<Record<string, object>> = {
  400: failure('INVALID_REQUEST', `requests_per_second ${problem}.`, [
    { field: 'requests_per_second', problem },
  ]),
  401: failure('UNAUTHENTICATED', 'This key is not known. It may have been replaced or removed.'),
  403: failure(
    'FORBIDDEN',
    'The key dashboard may not do this: it needs the role operate, and has read. Use another key, or give this one the role.',
  ),
  404: failure('NOT_FOUND', 'There is no /nope here. GET /docs lists every route.'),
  409: failure(
    'MODEL_NOT_TRAINED',
    'No anomaly model is active. Train one with POST /train, or load a stored one with POST /model/load.',
  ),
  413: failure('BODY_TOO_LARGE', 'The body is too large; 64 KiB are allowed here.'),
  415: failure('UNSUPPORTED_MEDIA_TYPE', 'The content type is not supported; send application/json.'),
  429: failure('RATE_LIMITED', '60000 requests a minute are allowed for this key. Try again in 1 s.'),
  503: failure('SHUTTING_DOWN', 'The service is stopping. Try again, on another replica if there is one.'),
  default: failure('INTERNAL_ERROR', 'Something went wrong inside the service; its log says what.'),
}

interface Response {
  content?: Record<string, { schema?: { $ref?: string }; examples?: object }>
}

interface Document {
  paths?: Record<string, Record<string, { responses?: Record<string, Response> }>>
  components?: { examples?: Record<string, object> }
}

/** Gives every failure of the document that has the envelope an example that suits its status. */
export function addFailureExamples<T extends object>(openapi: T): T {
  const document = openapi as Document
  const operations = Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))
  for (const { responses = {} } of operations) {
    for (const [status, { content }] of Object.entries(responses)) {
      const json = FAILURES_BY_STATUS[status] && content?.['application/json']
      if (json && json.schema?.$ref?.endsWith('/Failure'))
        json.examples = { failure: { $ref: `#/components/examples/Failure-${status}` } }
    }
  }
  const examples = Object.entries(FAILURES_BY_STATUS).map(([status, value]) => [
    `Failure-${status}`,
    { value },
  ])
  document.components = { ...document.components, examples: Object.fromEntries(examples) }
  return openapi
}
