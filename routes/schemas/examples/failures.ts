const failure = (code: string, message: string, details: unknown = null) => ({
  success: false,
  error: true,
  code,
  message,
  details,
  timestamp: '2026-01-31T12:00:00.000Z',
})

/** One failure for each status. */
export const FAILURE_EXAMPLES = {
  400: failure('INVALID_JSON', 'The body is not valid JSON: Unexpected end of JSON input.'),
  404: failure('NOT_FOUND', 'There is no /nope here. GET /docs lists every route.'),
  409: failure(
    'MODEL_NOT_TRAINED',
    'No anomaly model is active. Train one with POST /train, or load a stored one with POST /model/load.',
  ),
  413: failure('BODY_TOO_LARGE', 'The body is too large; 8 MiB are allowed. Send fewer rows at a time.'),
  415: failure('UNSUPPORTED_MEDIA_TYPE', 'The content type is not supported; send application/json.'),
  503: failure('SHUTTING_DOWN', 'The service is stopping. Try again, on another replica if there is one.'),
} as const
