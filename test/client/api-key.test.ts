import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import {
  createClient,
  createMLMiddleware,
  createMLRouter,
  getMLClient,
  initializeMLClient,
  MLServiceClient,
  MLServiceError,
} from '@aegis/ml-client'
import t, { type Test } from 'tap'
import { get } from '../e2e/process.js'
import { eventually } from '../eventually.js'
import { settingsOf, TrafficMonitor } from './core.js'
import { HandClock } from './hand-clock.js'
import { httpServer } from './http-server.js'
import { reportingService } from './reporting-service.js'

const KEY = 'aegis_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG'
const ENVELOPE = JSON.stringify({ success: true, data: { status: 'healthy' }, timestamp: new Date() })
const refusal = (code: string) =>
  JSON.stringify({ success: false, error: true, code, message: 'Send a key.', details: null })

function environment(t: Test, values: Record<string, string>): void {
  Object.assign(process.env, values)
  t.teardown(() => Object.keys(values).forEach((name) => Reflect.deleteProperty(process.env, name)))
}

/** A server that keeps the headers that it sees. */
async function listener(t: Test, location?: string) {
  const seen: IncomingHttpHeaders[] = []
  const { url } = await httpServer(t, (request, response) => {
    seen.push(request.headers)
    request.resume()
    if (location !== undefined && !request.url!.endsWith('?moved')) {
      const to = location === 'here' ? `${request.url}?moved` : location + request.url
      return void response.writeHead(307, { location: to }).end()
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(ENVELOPE)
  })
  return { url, seen, keys: () => seen.map(({ authorization }) => authorization) }
}

t.test('the key comes from the option, or else from the environment', async (t) => {
  const { url, keys } = await listener(t)
  const ask = (apiKey?: string) => createClient({ baseUrl: url, apiKey }).getHealth()
  await ask()
  environment(t, { ML_SERVICE_API_KEY: ` ${KEY}\n`, ML_SERVICE_URL: url })
  await ask()
  await ask('another')
  await ask('')
  await new MLServiceClient().checkHealth()
  await new MLServiceClient({ apiKey: 'own' }).checkHealth()
  const bearer = [KEY, 'another', undefined, KEY, 'own'].map((key) => key && `Bearer ${key}`)
  t.same(keys(), [undefined, ...bearer])
})

t.test('a redirect takes the key to the same origin alone', async (t) => {
  const other = await listener(t)
  const away = await listener(t, other.url)
  await createClient({ baseUrl: away.url, apiKey: KEY }).getHealth()
  await createClient({ baseUrl: away.url, apiKey: KEY }).loadModels()
  t.same(away.keys(), [`Bearer ${KEY}`, `Bearer ${KEY}`])
  t.same(other.keys(), [undefined, undefined])
  const here = await listener(t, 'here')
  await createClient({ baseUrl: here.url, apiKey: KEY }).getHealth()
  t.same(here.keys(), [`Bearer ${KEY}`, `Bearer ${KEY}`])
})

t.test('no error shows the key', async (t) => {
  for (const apiKey of [`${KEY}\nx`, `${KEY} x`, `${KEY}é`, KEY.repeat(100)]) {
    const error = t.throws(() => createClient({ baseUrl: 'http://127.0.0.1:9', apiKey }), TypeError) as Error
    t.match(error.message, /^apiKey is not a key; allowed are/)
    t.notMatch(inspect(error).replaceAll(/at .*/g, ''), KEY)
  }
  environment(t, { ML_SERVICE_API_KEY: `${KEY} x` })
  t.throws(() => createClient({ baseUrl: 'http://a' }), { message: /^ML_SERVICE_API_KEY is not a key/ })
  t.throws(() => createClient({ baseUrl: `http://me:${KEY}@host`, apiKey: '' }), {
    message: 'baseUrl contains a user or a password; remove them, and send a key with apiKey.',
  })
  const echo = await httpServer(t, (request, response) => {
    request.resume()
    response.writeHead(500).end(`<pre>${request.headers.authorization}</pre>`)
  })
  const closed = await httpServer(t, () => undefined)
  await closed.close()
  for (const { url } of [echo, closed]) {
    const client = createClient({ baseUrl: url, apiKey: KEY, retry: { attempts: 1 } })
    for (const call of [() => client.getHealth(), () => client.exportTrainingData({ from: '2026-01-01' })]) {
      const error = await call().catch((reason: unknown) => reason)
      t.ok(error instanceof MLServiceError)
      t.notMatch(inspect(error, { depth: 9, showHidden: true }), KEY)
    }
    t.notMatch(inspect(new MLServiceClient({ baseUrl: url, apiKey: KEY }), { depth: 9 }), KEY)
  }
})

t.test('401, 403 and 429 have the codes of the service', async (t) => {
  for (const [status, code] of [
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
    [429, 'RATE_LIMITED'],
  ] as const) {
    const { url } = await httpServer(t, (_request, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end(refusal(code))
    })
    const client = createClient({ baseUrl: url, retry: { attempts: 1 } })
    const expected = { name: 'MLServiceError', status, code, message: 'Send a key.', retryAfterMs: 7000 }
    await t.rejects(client.getHealth(), expected)
    await t.rejects(client.streamTrainingData(), expected)
  }
})

t.test(
  'a gateway whose key is refused is told once, asks rarely, and goes on when it is accepted',
  async (t) => {
    for (const [status, code] of [
      [401, 'UNAUTHENTICATED'],
      [403, 'FORBIDDEN'],
    ] as const) {
      const service = await reportingService(t)
      service.misbehave = (request, response) => {
        request.resume()
        response.writeHead(status).end(refusal(code))
      }
      const told: string[] = []
      const tell = (message: string) => told.push(message)
      const clock = new HandClock('2026-01-31T12:00:00Z')
      const client = createClient({ baseUrl: service.url, apiKey: KEY })
      const options = { client, aggregationIntervalMs: 1_000, record: true, warn: tell, info: tell }
      const monitor = new TrafficMonitor(settingsOf(options), clock)
      t.teardown(() => monitor.close())
      clock.pass(1_001)
      await eventually(() => told.length === 1)
      for (let second = 0; second < 29; second++) clock.pass(1_000)
      t.same(service.asked, ['/detect'], 'half a minute without a call')
      t.equal(monitor.isReachable, true)
      service.misbehave = undefined
      await eventually(() => {
        clock.pass(1_000)
        return monitor.judged !== null
      })
      await monitor.close()
      t.match(told, [
        status === 401
          ? /^Judging traffic fails: Send a key\. The gateway continues .*ML_SERVICE_API_KEY/
          : /^Judging traffic fails: Send a key\. The gateway continues without AEGIS ML\.$/,
        /works now/,
      ])
      t.equal(told.length, 2)
    }
  },
)

t.test('requests that are recorded wait for a key, and one warning is enough', async (t) => {
  const service = await reportingService(t)
  service.misbehave = (request, response) => {
    request.resume()
    response.writeHead(401).end(refusal('UNAUTHENTICATED'))
  }
  const told: string[] = []
  const warn = (message: string) => told.push(message)
  environment(t, { ML_SERVICE_URL: service.url })
  const middleware = createMLMiddleware({
    apiKey: KEY,
    aggregationIntervalMs: 200,
    source: 'edge',
    record: true,
    warn,
  })
  const gateway = createServer((request, response) => {
    middleware(request, response)
    response.end('ok')
  }).listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  t.teardown(() => gateway.close())
  await fetch(`http://127.0.0.1:${(gateway.address() as AddressInfo).port}`)
  await eventually(() => told.length === 1)
  service.misbehave = undefined
  await middleware.close()
  t.match(
    service.batches,
    [{ source: 'edge', requests: [{ path: '/' }] }],
    'they are sent with the last report',
  )
  t.equal(told.length, 1)
  t.throws(() => createMLMiddleware({ apiKey: KEY, client: getMLClient() }), /client and apiKey exclude/)
})

t.test('the router says that the key of the gateway is refused, not that of its caller', async (t) => {
  for (const [status, code, message] of [
    [401, 'UNAUTHENTICATED', /Set apiKey, or ML_SERVICE_API_KEY, here/],
    [403, 'FORBIDDEN', /Give it the role/],
  ] as const) {
    const { url } = await httpServer(t, (_request, response) => {
      response.writeHead(status).end(refusal(code))
    })
    const client = createClient({ baseUrl: url, apiKey: KEY })
    const router = createMLRouter({ client })
    const gateway = await httpServer(t, (request, response) => router(request, response))
    const { body, ...answer } = await get(`${gateway.url}/model/info`)
    t.match({ ...answer, body }, { status: 503, body: { code: 'SERVICE_UNAVAILABLE', message } })
    t.notMatch(JSON.stringify(body), KEY)
  }
})

t.test(
  'a gateway starts with a warning when its key is refused, and without one for the role detect',
  async (t) => {
    const warnings: string[] = []
    for (const [status, code] of [
      [401, 'UNAUTHENTICATED'],
      [403, 'FORBIDDEN'],
    ] as const) {
      const { url } = await httpServer(t, (_request, response) => {
        response.writeHead(status).end(refusal(code))
      })
      const client = await initializeMLClient({ baseUrl: url }, (text) => warnings.push(text))
      t.equal(await client.isServiceAvailable(), code === 'FORBIDDEN')
    }
    t.match(warnings, [/^AEGIS ML does not accept the key/])
    t.equal(warnings.length, 1)
  },
)
