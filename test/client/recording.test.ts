import { createClient, type MLMiddlewareOptions } from '@aegis/ml-client'
import t, { type Test } from 'tap'
import { eventually } from '../e2e/eventually.js'
import { testService } from '../service.js'
import { GATEWAYS } from './gateways.js'
import { reportingService } from './reporting-service.js'

const SILENT = { warn: () => undefined, info: () => undefined }

async function recorded(t: Test, name: string, options: MLMiddlewareOptions, url: string) {
  const client = createClient({ baseUrl: url, timeoutMs: 2_000 })
  return GATEWAYS[name]!(t, { enabled: true, client, ...SILENT, ...options }, (_request, response) => {
    response.statusCode = 201
    response.end()
  })
}

for (const name of Object.keys(GATEWAYS)) {
  t.test(`${name}: requests that are recorded are in the service's table`, async (t) => {
    const { app, sql } = await testService(t)
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const record = { userId: ({ headers }: { headers: object }) => Reflect.get(headers, 'x-user') as string }
    const gateway = await recorded(t, name, { record }, url)
    const headers = { 'x-user': 'ada', 'user-agent': 'test' }
    for (let request = 0; request < 3; request++) {
      await fetch(`${gateway.url}/users/7?token=secret`, { method: 'POST', headers })
    }
    await gateway.close()
    const rows =
      await sql`select method, path, status_code, user_id, host(ip_address) ip, user_agent from request_logs`
    const row = {
      ...{ method: 'POST', path: '/users/7', status_code: 201 },
      ...{ user_id: 'ada', ip: '127.0.0.1', user_agent: 'test' },
    }
    t.same(rows, [row, row, row])
  })
}

t.test('a batch that may have arrived is sent again under the same name, and is stored once', async (t) => {
  const { app, sql } = await testService(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const relay = await reportingService(t)
  const names: string[] = []
  relay.misbehave = async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (request.url !== '/ingest/requests') return response.destroy()
    names.push((JSON.parse(body) as { batch_id: string }).batch_id)
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url + request.url, { method: 'POST', headers, body })
    // The first answer is lost on its way.
    if (names.length === 1) return response.destroy()
    response.writeHead(answer.status, headers).end(await answer.text())
  }
  const gateway = await recorded(
    t,
    'Express 5',
    { record: true, aggregationIntervalMs: 3_600_000 },
    relay.url,
  )
  await Promise.all(Array.from({ length: 1_000 }, () => fetch(gateway.url)))
  await eventually(async () => names.length > 0)
  await gateway.close()
  t.equal(names.length, 2)
  t.equal(names[0], names[1])
  t.match(await sql`select count(*)::int from request_logs`, [{ count: 1_000 }])
})

t.test('what is recorded is bounded; what is dropped is counted', async (t) => {
  const service = await reportingService(t)
  service.misbehave = (_request, response) => void response.destroy()
  const told: string[] = []
  const warn = (message: string) => told.push(message)
  const gateway = await recorded(
    t,
    'node:http',
    { record: { userAgent: false, ipAddress: false }, warn },
    service.url,
  )
  for (let round = 0; round < 21; round++) {
    await Promise.all(Array.from({ length: 1_000 }, () => fetch(gateway.url)))
  }
  service.misbehave = undefined
  await gateway.close()
  // One that was under way when the gateway closed was sent again, as the same batch.
  const batches = new Map(service.batches.map(({ batch_id, requests }) => [batch_id, requests]))
  const stored = [...batches.values()].flat()
  t.equal(stored.length, 20_000)
  t.match(told, [/^AEGIS ML is away/, '1000 requests could not be recorded.'])
  t.ok(stored.every((row) => !('ip_address' in row) && !('user_agent' in row)))
})

t.test('a userId that throws does no harm', async (t) => {
  const service = await reportingService(t)
  const told: string[] = []
  const record = {
    userId: () => {
      throw new Error('no user')
    },
  }
  const gateway = await recorded(t, 'Fastify', { record, warn: (message) => told.push(message) }, service.url)
  for (let request = 0; request < 3; request++) t.equal((await fetch(gateway.url)).status, 201)
  await gateway.close()
  t.match(service.reports, [{ total_requests: 3 }])
  t.match(told, ['Requests are not recorded, because userId failed (Error: no user).'])
})
