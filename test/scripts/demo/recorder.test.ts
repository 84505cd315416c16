import t from 'tap'
import type { FinishedRequest } from '../../../scripts/demo/gateway.js'
import { createRecorder, endOfMinute, type RequestRow } from '../../../scripts/demo/recorder.js'

const clock = { startMs: 5000.25, epochMs: Date.UTC(2026, 0, 5, 8) }
const request = (endedMs: number, durationMs = 40, status = 200): FinishedRequest => ({
  endedMs,
  durationMs,
  status,
  method: 'GET',
  path: '/api/products/7',
  backend: 'catalogue',
  userId: 'user-7',
  address: '127.0.0.1',
  userAgent: 'test',
})

t.test('a second becomes a minute: its requests its rows and its report', async (t) => {
  const rows: RequestRow[] = []
  const recorder = createRecorder(clock, async (more) => rows.push(...more))
  recorder.record(request(4999)) // before minute 0
  recorder.record(request(5500.25, 10.4))
  recorder.record(request(6000, 30.4, 503))
  recorder.record(request(6500.25, 99)) // minute 1
  t.equal(endOfMinute(clock, 0), 6000.25)

  t.same(recorder.closeMinute(0), {
    timestamp: '2026-01-05T08:00:00.000Z',
    requests_per_second: 2 / 60,
    avg_latency_ms: 20,
    p95_latency_ms: 29,
    p99_latency_ms: 29.8,
    error_rate: 0.5,
    total_requests: 2,
  })
  t.equal(recorder.closeMinute(1).avg_latency_ms, 99)
  await recorder.flush()
  t.match(rows, [
    { timestamp: new Date('2026-01-05T08:00:30.000Z'), response_time_ms: 10, status_code: 200 },
    { timestamp: new Date('2026-01-05T08:00:59.985Z'), response_time_ms: 30, status_code: 503 },
    {
      timestamp: new Date('2026-01-05T08:01:30.000Z'),
      method: 'GET',
      path: '/api/products/7',
      user_id: 'user-7',
    },
  ])
})

t.test('a minute without a request is all zero and writes nothing', async (t) => {
  const recorder = createRecorder(clock, async () => t.fail('nothing to insert'))
  const report = recorder.closeMinute(3)
  t.match(report, {
    timestamp: '2026-01-05T08:03:00.000Z',
    requests_per_second: 0,
    p99_latency_ms: 0,
    error_rate: 0,
  })
  await recorder.flush()
})

t.test('flush tells that rows could not be written', async (t) => {
  const recorder = createRecorder(clock, () => Promise.reject(new Error('the table is gone')))
  recorder.record(request(5500))
  recorder.closeMinute(0)
  await t.rejects(recorder.flush(), /the table is gone/)
})
