import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createClient, MLServiceError } from '@aegis/ml-client'
import t from 'tap'
import { httpServer } from './http-server.js'

const USUAL = {
  requests_per_second: 50,
  avg_latency_ms: 45,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  error_rate: 0.01,
}
const FAST = { attempts: 3, delayMs: 1 }
const envelope = (data: object) => JSON.stringify({ success: true, data, timestamp: new Date() })
const failure = (code: string) =>
  JSON.stringify({ success: false, error: true, code, message: 'No.', details: null, timestamp: new Date() })

/** The failure of a call, and how often the service was asked. */
async function failing(call: Promise<unknown>): Promise<MLServiceError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof MLServiceError) return error
  throw new Error(`not an MLServiceError: ${error}`)
}

t.test('429 and 503 are tried again, other failures are not', async (t) => {
  for (const [status, tries] of [
    [429, 3],
    [503, 3],
    [400, 1],
    [404, 1],
    [409, 1],
    [500, 1],
  ] as const) {
    let asked = 0
    const { url } = await httpServer(t, (_request, response) => {
      asked++
      response.writeHead(status, { 'content-type': 'application/json' }).end(failure('SOME_CODE'))
    })
    const error = await failing(createClient({ baseUrl: url, retry: FAST }).train({ wait: false }))
    t.match(error, { status, code: 'SOME_CODE', message: 'No.', name: 'MLServiceError' })
    t.equal(asked, tries, `${status}`)
  }
})

t.test('a passing failure passes, after as long as Retry-After asks for', async (t) => {
  const times: number[] = []
  const { url } = await httpServer(t, (_request, response) => {
    times.push(performance.now())
    if (times.length > 1)
      response.writeHead(200, { 'content-type': 'application/json' }).end(envelope({ n: 1 }))
    else response.writeHead(503, { 'retry-after': '1' }).end(failure('BUSY'))
  })
  t.same(await createClient({ baseUrl: url, retry: FAST }).getTrend(), { n: 1 })
  t.ok(times[1]! - times[0]! >= 999)
})

t.test('a service that asks for more patience than there is is not waited for', async (t) => {
  const { url } = await httpServer(t, (_request, response) => {
    response.writeHead(503, { 'retry-after': '3600' }).end(failure('BUSY'))
  })
  const error = await failing(createClient({ baseUrl: url }).getTrend())
  t.match(error, { code: 'BUSY', status: 503, retryAfterMs: 3_600_000 })
})

t.test('after a time-out only what does no harm is repeated', async (t) => {
  let asked = 0
  const { url } = await httpServer(t, () => void asked++)
  const client = createClient({ baseUrl: url, timeoutMs: 30, slowTimeoutMs: 30, retry: FAST })
  const harmless = await failing(client.detect(USUAL))
  t.match(harmless, {
    code: 'TIMEOUT',
    status: null,
    message: /POST .*\/detect did not answer within 0.03 s/,
  })
  t.equal(asked, 3)
  asked = 0
  await failing(client.getModelInfo())
  t.equal(asked, 3)
  for (const call of [() => client.optimize({ endpoint: '/', save: true }), () => client.resetModels()]) {
    asked = 0
    t.equal((await failing(call())).code, 'TIMEOUT')
    t.equal(asked, 1)
  }
})

t.test('HTML in place of JSON is told as what it is', async (t) => {
  const { url } = await httpServer(t, (_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<html><body>Welcome\n to a proxy</body></html>')
  })
  const error = await failing(createClient({ baseUrl: url }).getHealth())
  t.match(error, { code: 'INVALID_ANSWER', status: 200 })
  t.match(error.message, /answered 200 with text\/html .*Welcome to a proxy.*Check that baseUrl/)
  const empty = await httpServer(t, (_request, response) => response.writeHead(204).end())
  t.match(await failing(createClient({ baseUrl: empty.url }).getHealth()), { code: 'INVALID_ANSWER' })
})

t.test('half an answer is told as that, and asked for again where it does no harm', async (t) => {
  let asked = 0
  const { url } = await httpServer(t, (_request, response) => {
    asked++
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
    response.write('{"success": true, "da')
    setTimeout(() => response.destroy(), 5)
  })
  const client = createClient({ baseUrl: url, retry: FAST })
  t.match(await failing(client.getHealth()), { code: 'BROKEN_ANSWER', message: /broke off/ })
  t.equal(asked, 3)
  await failing(client.loadModels())
  t.equal(asked, 4)
})

t.test('nobody there is told with the address', async (t) => {
  const { url, close } = await httpServer(t, () => undefined)
  await close()
  const error = await failing(createClient({ baseUrl: url, retry: FAST }).getHealth())
  t.match(error, { code: 'NETWORK_ERROR', status: null })
  t.ok(error.message.includes(url) && error.message.includes('ECONNREFUSED'), error.message)
})

t.test('a baseUrl that is none is refused at once', async (t) => {
  for (const baseUrl of ['', 'localhost:5000', '127.0.0.1', 'ftp://host', 'http://']) {
    t.throws(() => createClient({ baseUrl }), { name: 'TypeError', message: /^baseUrl is ".*"; allowed is/ })
  }
})

t.test('a signal ends a call, while it waits for another try too', async (t) => {
  const { url } = await httpServer(t, (_request, response) => response.writeHead(503).end(failure('BUSY')))
  const client = createClient({ baseUrl: url, retry: { attempts: 10, delayMs: 10_000 } })
  const reason = new Error('enough')
  const ending = new AbortController()
  setTimeout(() => ending.abort(reason), 20)
  await t.rejects(client.getHealth(undefined, { signal: ending.signal }), reason)
  await t.rejects(client.getHealth(undefined, { signal: AbortSignal.abort(reason) }), reason)
  const silent = await httpServer(t, () => undefined)
  const later = new AbortController()
  setTimeout(() => later.abort(reason), 20)
  const asking = createClient({ baseUrl: silent.url }).detect(USUAL, { signal: later.signal })
  await t.rejects(asking, reason)
})

t.test('a signal ends a stream that is read, however long ago its request was', async (t) => {
  const { url } = await httpServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n')
  })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const ending = new AbortController()
  const client = createClient({ baseUrl: url, retry: FAST })
  const reading = client.followIncidents({}, { signal: ending.signal }).next()
  reading.catch(() => undefined) // awaited below
  for (let i = 0; i < 10; i++) {
    await delay(20)
    collect()
  }
  ending.abort(new Error('enough'))
  const late = delay(10_000, 'it goes on', { ref: false })
  await t.rejects(Promise.race([reading, late]), { message: 'enough' })
})

t.test('what is sent: the key, a path before the routes, parameters and bodies', async (t) => {
  const seen: { url?: string; key?: string; body: string }[] = []
  const { url } = await httpServer(t, (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      seen.push({ url: request.url!, key: request.headers.authorization!, body })
      response.writeHead(200, { 'content-type': 'application/json' }).end(envelope({}))
    })
  })
  const client = createClient({ baseUrl: `${url}/ml/`, apiKey: 'secret' })
  await client.getTrend({ source: 'a&b' })
  await client.applyRecommendation({ id: '1/2', applied_by: 'ops' })
  await client.setPathRules({ rules: { ignore: ['/health'] } })
  t.same(seen, [
    { url: '/ml/detect/trend?source=a%26b', key: 'Bearer secret', body: '' },
    {
      url: '/ml/optimize/recommendations/1%2F2/apply',
      key: 'Bearer secret',
      body: '{"applied_by":"ops"}',
    },
    { url: '/ml/endpoints/rules', key: 'Bearer secret', body: '{"rules":{"ignore":["/health"]}}' },
  ])
})
