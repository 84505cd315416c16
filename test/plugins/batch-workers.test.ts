import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer, json } from 'node:stream/consumers'
import t from 'tap'
import { DEFAULT_EFFECTS } from '../../models/anomaly/effects.js'
import { ANYBODY } from '../../plugins/access/caller.js'
import { createBatchWorkers } from '../../plugins/batch-workers.js'
import { eventually } from '../eventually.js'
import { testService, trainOnSynthetic, USUAL, type Answer } from '../service.js'

const service = await testService(t, { WORKERS: '1' })
const { app, post } = service
await app.listen({ host: '127.0.0.1', port: 0 })

const MINUTE_MS = 60_000
const START_MS = Date.parse('2026-11-16T10:00:00Z')
const rows = (count: number, changes: object = {}) =>
  Array.from({ length: count }, (_, i) => ({
    ...USUAL,
    timestamp: new Date(START_MS + i * MINUTE_MS).toISOString(),
    ...(i % 20 < 3 && { requests_per_second: 400, error_rate: 0.3 }),
    ...changes,
  }))

/** A body that is large because of blanks is answered in a worker thread; without them, it is not. */
async function bothWays(body: object): Promise<[Answer, Answer]> {
  const text = JSON.stringify(body)
  const send = (payload: string) =>
    post('/detect/batch', undefined, { payload, headers: { 'content-type': 'application/json' } })
  return [await send(text), await send(`${text}${' '.repeat(70_000)}`)]
}

const withoutTime = ({ status, body }: Answer) => ({ status, ...body, timestamp: null, request_id: null })

t.test('without a model, a large batch is refused as a small one is', async (t) => {
  const [small, large] = await bothWays({ metrics: rows(3) })
  t.match(large, { status: 409, body: { code: 'MODEL_NOT_TRAINED' } })
  t.same(withoutTime(large), withoutTime(small))
})

t.test('a worker thread answers as the service does', async (t) => {
  await trainOnSynthetic(service, 6)
  const bare = { requests_per_second: 50 }
  const old = [
    ...rows(5, { avg_latency: 45, avg_latency_ms: undefined, colour: 'red' }),
    ...rows(5, { error_rate: undefined, status_5xx: 3 }),
    { ...bare, timestamp: '2026-11-16T12:00' },
  ]
  const bodies: Record<string, [number, object]> = {
    independent: [200, { metrics: rows(60) }],
    replay: [200, { metrics: rows(200), mode: 'replay' }],
    'the names of old callers': [200, { metrics: old, note: 1 }],
    'a bad row': [400, { metrics: [...rows(5), { ...USUAL, error_rate: 2 }] }],
    'no rows': [400, {}],
    'a replay without times': [400, { metrics: [bare], mode: 'replay' }],
  }
  for (const [name, [status, body]] of Object.entries(bodies)) {
    const [small, large] = await bothWays(body)
    t.equal(large.status, status, name)
    t.same(withoutTime(large), withoutTime(small), name)
  }
  t.equal(app.requestCounts.failures.get('INVALID_REQUEST'), 6, 'refusals count in both ways')
})

t.test(
  'others are answered while a worker thread judges many rows, and its answer is complete',
  async (t) => {
    const metrics = rows(5_000)
    const order: string[] = []
    const batch = post('/detect/batch', { metrics }).then((answer) => {
      order.push(`batch ${answer.status}`)
      return answer
    })
    await app.inject('/health/live').then(({ statusCode }) => order.push(`probe ${statusCode}`))
    const { body } = await batch
    t.same(order, ['probe 200', 'batch 200'])
    t.match(body.data['summary'], { total: metrics.length })
    t.same(
      (body.data['results'] as { timestamp: string }[]).map(({ timestamp }) => timestamp),
      metrics.map(({ timestamp }) => timestamp),
    )
  },
)

t.test(
  'a caller who sends slowly loses the place to one who waits, and one who goes leaves it',
  async (t) => {
    const body = JSON.stringify({ metrics: rows(1000) })
    const slow = Array.from({ length: 3 }, () => send(body.slice(0, -1), body.length))
    const gone = Array.from({ length: 5 }, () => start(body.slice(0, -1), body.length))
    await eventually(() => app.batchWorkers.isAwaited)
    for (const each of gone) each.destroy()
    t.equal(await send(body, body.length), 200, 'the place of one who has gone')
    const waiting = Array.from({ length: 5 }, () => start(body.slice(0, -1), body.length))
    t.same(await Promise.all(slow), [408, 408, 408])
    for (const each of waiting) each.destroy()
  },
)

t.test('who sends a body that is too large gets to read why', async (t) => {
  const { port } = app.server.address() as AddressInfo
  const body = Buffer.alloc(4 << 20, ' ')
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  const sent = request({ port, method: 'POST', path: '/detect', headers, agent: false })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  t.match(await json(response), { code: 'BODY_TOO_LARGE', message: /16 KiB are allowed here/ })
  sent.destroy()
})

t.test('when a thread ends in the middle, the caller may send again', async (t) => {
  const failures: unknown[] = []
  const workers = createBatchWorkers({
    count: 1,
    settings: { logLevel: 'silent', effects: DEFAULT_EFFECTS, calendar: [] },
    activeModel: () => ({ detector: null, engine: 'kernel' }),
    onFailure: (error) => failures.push(error),
    file: new URL('exiting-thread.js', import.meta.url),
  })
  t.teardown(() => workers.close())
  for (let time = 0; time < 2; time++) {
    const asked = { url: '/detect/batch', headers: {}, caller: ANYBODY, body: new Uint8Array(1) }
    const { signal } = new AbortController()
    await t.rejects(workers.answer(asked, signal), {
      code: 'BUSY',
      statusCode: 503,
      message: /Send this one again/,
    })
  }
  t.equal(failures.length, 2)
})

/** Sends the beginning of a batch, or all of it. */
function start(text: string, length: number): ClientRequest {
  const { port } = app.server.address() as AddressInfo
  const headers = { 'content-type': 'application/json', 'content-length': length }
  const sent = request({ port, method: 'POST', path: '/detect/batch', headers, agent: false })
  sent.once('error', () => undefined)
  sent.write(text)
  return sent
}

/** @returns the status of the answer, which has arrived completely */
async function send(text: string, length: number): Promise<number> {
  const sent = start(text, length)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  await buffer(response)
  sent.destroy()
  return response.statusCode!
}
