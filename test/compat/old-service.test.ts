import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { testService, type Service } from '../service.js'
import { differences, type Received, type Recorded } from './compare.js'
import { INTENDED } from './intended.js'
import { minutesAgo, type OldRequest } from './request.js'
import { OLD_REQUESTS } from './requests/index.js'

const recorded = JSON.parse(
  readFileSync(new URL('../../../test/compat/old-service.golden.json', import.meta.url), 'utf8'),
) as Record<string, Recorded>

t.test('each request of the old service is recorded, and each recorded one is sent', async (t) => {
  const names = OLD_REQUESTS.map(([name]) => name)
  t.equal(names.length, 407)
  t.equal(new Set(names).size, names.length)
  t.same(names.toSorted(), Object.keys(recorded).toSorted())
})

t.test('no request of the old service breaks its caller', async (t) => {
  const service = await testService(t)
  await recordTraffic(service)
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = service.app.server.address() as AddressInfo
  for (const [name, request] of OLD_REQUESTS) {
    const found = differences(recorded[name]!, await send(port, request))
    const broken = found.filter((difference) => !isIntended(name, difference))
    if (broken.length > 0) t.same(broken, [], name)
  }
  t.pass(`${OLD_REQUESTS.length} requests`)
})

function isIntended(name: string, difference: string): boolean {
  return INTENDED.some((each) => each.requests.test(name) && each.difference.test(difference))
}

/** 180 minutes of requests, up to 20 minutes ago. */
async function recordTraffic(service: Service): Promise<void> {
  const paths = ['/api/users', '/api/orders', '/api/stream', '/api/users/7']
  const requests = Array.from({ length: 9000 }, (_, i) => {
    const at = Date.parse(minutesAgo(200)) + Math.floor(i / 50) * 60_000 + (i % 50) * 1100
    return {
      timestamp: new Date(at).toISOString(),
      method: i % 5 === 0 ? 'POST' : 'GET',
      path: paths[i % 4],
      status_code: i % 40 === 0 ? 500 : 200,
      response_time_ms: 20 + ((i * 37) % 90),
      user_id: `u${i % 50}`,
      ip_address: `10.0.0.${i % 200}`,
    }
  })
  const { status } = await service.post('/ingest/requests', { batch_id: 'old-service', requests })
  if (status >= 300) throw new Error(`the traffic was not recorded: ${status}`)
}

/** By node:http, which sends paths and headers as they are. */
async function send(port: number, request: OldRequest): Promise<Received> {
  const { method, path, body, text: given, type = 'application/json', headers = {} } = request
  const payload = given ?? (body === undefined ? '' : JSON.stringify(body))
  const asked = httpRequest({
    ...{ host: '127.0.0.1', port, method, path, agent: false },
    headers: {
      ...headers,
      ...(type !== null && { 'content-type': type }),
      ...(method !== 'GET' && { 'content-length': Buffer.byteLength(payload) }),
    },
  })
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>
  asked.end(payload)
  const [answer] = await answered
  return {
    status: answer.statusCode!,
    type: answer.headers['content-type']?.split(';')[0]?.trim() ?? null,
    headers: new Headers(answer.headers as Record<string, string>),
    text: await text(answer),
  }
}
