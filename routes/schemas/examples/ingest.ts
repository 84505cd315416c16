export const REQUEST = {
  timestamp: '2026-01-31T12:00:00.000Z',
  method: 'GET',
  path: '/users/7',
  status_code: 200,
  response_time_ms: 12,
  user_id: 'ada',
  ip_address: '203.0.113.7',
}

export const INGEST_BODY = { batch_id: '0f8fad5b-d9cb-469f-a165-70867728950e', requests: [REQUEST] }

export const INGEST_RESULT = {
  batch_id: INGEST_BODY.batch_id,
  source: 'default',
  accepted: 1,
  duplicate: false,
  skipped: 0,
}
