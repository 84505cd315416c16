import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createClient, createMLMiddleware, createMLRouter, type MLRouterOptions } from '@aegis/ml-client'
import express from 'express'
import t, { type Test } from 'tap'
import { testService, trainOnSynthetic, USUAL, USUAL_MONDAY } from '../service.js'
import { freePort, get, post } from '../e2e/process.js'

const express4 = createRequire(import.meta.url)('express-4') as typeof express

async function listen(t: Test, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function routed(t: Test, baseUrl: string, options: MLRouterOptions = {}, framework = express) {
  const app = framework()
  app.use(
    '/ml',
    createMLRouter({
      client: createClient({ baseUrl, timeoutMs: 60_000, retry: { attempts: 1 } }),
      ...options,
    }),
  )
  return `${await listen(t, createServer(app))}/ml`
}

const trained = await testService(t)
await trainOnSynthetic(trained)
const trainedUrl = await trained.app.listen({ port: 0, host: '127.0.0.1' })

t.test('the router answers what the service knows', async (t) => {
  const baseUrl = trainedUrl
  for (const framework of [express, express4]) {
    const url = await routed(t, baseUrl, {}, framework)
    t.match(await get(`${url}/health`), {
      status: 200,
      body: { success: true, data: { service: 'aegis-ml' } },
    })
    t.match((await get(`${url}/model/info`)).body.data, { anomaly_detector: { is_trained: true } })
    t.match((await post(`${url}/anomaly/detect`, USUAL_MONDAY)).body.data, { anomaly: false })
    t.match((await get(`${url}/anomaly/trend?source=default`)).body.data, { window_size: 1 })
    const advice = await get(`${url}/optimize/api/users?tier=free&current_limit=10`)
    t.match(advice.body.data, { endpoint: '/api/users', tier: 'free', current_limit: 10 })
    const ofMethod = await get(`${url}/optimize/POST%20/api/users`)
    t.match(ofMethod.body.data, { endpoint: 'POST /api/users' })
  }
})

t.test('the status is that of the middleware', async (t) => {
  const client = createClient({ baseUrl: trainedUrl, timeoutMs: 60_000 })
  const middleware = createMLMiddleware({ enabled: true, client, source: 'edge-1' })
  const url = await routed(t, 'http://127.0.0.1:9', { client, middleware })
  t.match((await get(`${url}/anomaly/status`)).body.data, { reachable: true, verdict: null, streak: 0 })
  await middleware.close()
  t.match((await get(`${url}/anomaly/status`)).body.data, {
    enabled: true,
    source: 'edge-1',
    reachable: true,
    streak: Number,
    verdict: { normalized_score: Number },
    metrics: { total_requests: 0, traffic_only: true },
  })
  t.match((await get(`${url}/anomaly/trend`)).body.data, { window_size: 1 })
})

t.test('failures are those of the service, with its status', async (t) => {
  const { app } = await testService(t)
  const url = await routed(t, await app.listen({ port: 0, host: '127.0.0.1' }))
  t.match(await post(`${url}/anomaly/detect`, USUAL), {
    status: 409,
    body: { success: false, error: true, code: 'MODEL_NOT_TRAINED', message: String, details: null },
  })
  t.match(await post(`${url}/anomaly/detect`, { ...USUAL, error_rate: 2 }), { status: 400 })
  t.match(await post(`${url}/anomaly/detect`), { status: 400, body: { message: /requests_per_second/ } })
  t.match(await get(`${url}/optimize/a?current_limit=many`), {
    status: 400,
    body: { message: /current_limit/ },
  })
  t.match(await get(`${url}/optimize/%E0%A4`), { status: 400, body: { code: 'INVALID_REQUEST' } })
})

t.test('a service that is away is told without saying where it is', async (t) => {
  const port = await freePort()
  const url = await routed(t, `http://127.0.0.1:${port}`)
  for (const path of ['health', 'model/info', 'optimize/api', 'anomaly/trend']) {
    const { status, body } = await get(`${url}/${path}`)
    t.match({ status, code: body.code }, { status: 503, code: 'SERVICE_UNAVAILABLE' }, path)
    t.notMatch(JSON.stringify(body), String(port))
  }
  t.match(await get(`${url}/anomaly/status`), { status: 200, body: { data: { reachable: false } } })
})

t.test('POST /train is answered only where that is asked for', async (t) => {
  const { app } = await testService(t)
  const baseUrl = await app.listen({ port: 0, host: '127.0.0.1' })
  const refused = await fetch(`${await routed(t, baseUrl)}/train`, { method: 'POST' })
  t.equal(refused.status, 404)
  const url = await routed(t, baseUrl, { train: true })
  t.match((await post(`${url}/train`, { days: 1 })).body.data, { anomaly_detector: { trained: false } })
})

t.test('bodies are bounded, JSON, and may have been parsed before', async (t) => {
  const baseUrl = trainedUrl
  const url = await routed(t, baseUrl)
  const send = async (body: string, type = 'application/json') => {
    const answer = await fetch(`${url}/anomaly/detect`, {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    })
    return [answer.status, ((await answer.json()) as { code: string }).code]
  }
  t.same(await send('{"a":'), [400, 'INVALID_REQUEST'])
  t.same(await send('[1]'), [400, 'INVALID_REQUEST'])
  t.same(await send('a=1', 'application/x-www-form-urlencoded'), [415, 'UNSUPPORTED_MEDIA_TYPE'])
  t.same(await send(JSON.stringify({ padding: 'x'.repeat(1_048_576) })), [413, 'BODY_TOO_LARGE'])
  t.match(await get(`${url}/health`), { status: 200 }, 'and it goes on')

  const app = express()
  app.use(express.json())
  app.use(createMLRouter({ client: createClient({ baseUrl }) }))
  const parsed = await listen(t, createServer(app))
  t.match((await post(`${parsed}/anomaly/detect`, USUAL_MONDAY)).body.data, { anomaly: false })
})

t.test('a client that goes in the middle of its body does no harm', async (t) => {
  const app = express()
  app.use('/ml', createMLRouter({ client: createClient({ baseUrl: 'http://127.0.0.1:9' }) }))
  const server = createServer(app)
  const url = `${await listen(t, server)}/ml`
  const came = once(server, 'request')
  const half = request(`${url}/anomaly/detect`, { method: 'POST', headers: { 'content-length': 100 } })
  half.on('error', () => undefined)
  half.write('{')
  await came
  half.destroy()
  t.match(await get(`${url}/optimize/x`), { status: 503 })
})

t.test('other paths and methods are left to others; without others they are not found', async (t) => {
  const app = express()
  app.use('/ml', createMLRouter())
  app.use((_request, response) => void response.status(418).end())
  const url = await listen(t, createServer(app))
  for (const path of ['/ml/elsewhere', '/ml/', '/ml/optimize/', '/ml/anomaly/detect', '/elsewhere']) {
    t.equal((await fetch(url + path)).status, 418, path)
  }
  const router = createMLRouter()
  const plain = await listen(
    t,
    createServer((incoming, response) => router(incoming, response)),
  )
  t.match(await get(`${plain}/elsewhere`), { status: 404, body: { code: 'NOT_FOUND' } })
})
