import type { InjectOptions } from 'fastify'
import t from 'tap'
import { addressesOf } from '../../plugins/config/callers.js'
import { loadConfig } from '../../plugins/config.js'
import { entryOf, newKey } from '../api-keys.js'
import { testDatabase } from '../postgres.js'
import { testService } from '../service.js'

t.test('callers have a limit for each key and for each address', async (t) => {
  const database = await testDatabase(t)
  const [ann, bob] = [newKey(), newKey()]
  const keys = { API_KEYS: [entryOf('ann', ann, ['read']), entryOf('bob', bob, ['read'])].join(' ') }
  const { app } = await testService(t, { ...keys, RATE_LIMIT: '3', TRUST_PROXY: '10.0.0.0/8' }, database)
  const ask = async (options: Partial<InjectOptions> & { key?: string; from?: string } = {}) => {
    const { key, from = '192.0.2.1', headers, ...rest } = options
    const given = { ...headers, ...(key && { authorization: `Bearer ${key}` }) }
    const sent = await app.inject({ url: '/version', remoteAddress: from, ...rest, headers: given })
    return { status: sent.statusCode, headers: sent.headers, body: sent.json<Record<string, unknown>>() }
  }

  await t.test('a key has the limit, wherever it is used, and hears of it', async (t) => {
    const first = await ask({ key: ann })
    t.equal(first.status, 200)
    t.equal(first.headers['ratelimit-policy'], '"default";q=3;w=60')
    t.match(first.headers['ratelimit'], /^"default";r=2;t=(19|20)$/)
    await ask({ key: ann, from: '192.0.2.2' })
    await ask({ key: ann, from: '192.0.2.3' })
    const refused = await ask({ key: ann })
    t.equal(refused.status, 429)
    t.match(refused.body, {
      success: false,
      code: 'RATE_LIMITED',
      message: /3 requests a minute .* this key/,
    })
    t.match(refused.headers['retry-after'], /^(19|20)$/)
    t.equal((await ask({ key: bob })).status, 200, 'another key has its own')
  })

  await t.test('probes are always answered', async (t) => {
    for (const url of ['/health/live', '/health/ready?x=1']) {
      for (let i = 0; i < 5; i++) t.equal((await ask({ url })).status, 200)
    }
  })

  await t.test('without a key the address counts, of IPv6 its network, also before a 401', async (t) => {
    const from = (i: number) => `2001:db8::${i}`
    const statuses = [] as number[]
    for (let i = 1; i <= 4; i++) statuses.push((await ask({ from: from(i) })).status)
    t.same(statuses, [401, 401, 401, 429])
    t.equal((await ask({ from: '2001:db8:0:1::1' })).status, 401)
  })

  await t.test('X-Forwarded-For counts from a trusted proxy alone', async (t) => {
    const forwarded = (address: string) => ({ 'x-forwarded-for': address })
    const statuses = async (from: string) => {
      const found = [] as number[]
      for (let i = 1; i <= 4; i++)
        found.push((await ask({ from, headers: forwarded(`198.51.100.${i}`) })).status)
      return found
    }
    t.same(await statuses('10.1.2.3'), [401, 401, 401, 401])
    t.same(await statuses('192.0.2.77'), [401, 401, 401, 429])
    const local = [] as number[]
    for (let i = 1; i <= 4; i++)
      local.push((await ask({ from: '10.1.2.3', headers: forwarded('127.0.0.1') })).status)
    t.same(local, [401, 401, 401, 429], 'this machine is only where the connection comes from')
  })

  await t.test('who sends many wrong keys has to wait; known keys work from there', async (t) => {
    const from = '192.0.2.99'
    const statuses = new Set<number>()
    for (let i = 0; i < 20; i++) statuses.add((await ask({ key: newKey(), from })).status)
    t.same([...statuses], [401])
    const refused = await ask({ key: newKey(), from })
    t.match(refused, { status: 429, body: { code: 'RATE_LIMITED', message: /Many unknown keys/ } })
    t.match(refused.headers['retry-after'], /^[1-3]$/)
    t.equal((await ask({ key: bob, from })).status, 200)
    t.equal((await ask({ key: newKey(), from: '192.0.2.100' })).status, 401, 'another address has its own')
  })

  await t.test('OTLP gets its own form of a refusal', async (t) => {
    const options = { method: 'POST', url: '/v1/logs', payload: {}, from: '203.0.113.1' } as const
    for (let i = 0; i < 3; i++) await ask(options)
    t.match(await ask(options), { status: 429, body: { code: 8, message: /a minute/ } })
  })
})

t.test('callers on this machine without keys have no limit, and off means off', async (t) => {
  const { app } = await testService(t, { RATE_LIMIT: '1' })
  for (let i = 0; i < 3; i++) {
    const { statusCode, headers } = await app.inject('/version')
    t.equal(statusCode, 200)
    t.equal(headers['ratelimit'], undefined)
  }
  t.equal((await app.inject({ url: '/version', remoteAddress: '192.0.2.1' })).statusCode, 200)
  t.equal((await app.inject({ url: '/version', remoteAddress: '192.0.2.1' })).statusCode, 429)
})

t.test('the variables are checked', async (t) => {
  t.match(loadConfig({}).callers, { rateLimit: 60_000, trustedProxies: [] })
  t.equal(loadConfig({ RATE_LIMIT: 'off' }).callers.rateLimit, null)
  t.same(loadConfig({ TRUST_PROXY: 'loopback, 10.0.0.0/8' }).callers.trustedProxies, [
    ...['127.0.0.0/8', '::1/128', '10.0.0.0/8'],
  ])
  for (const rate of ['0', '-1', '1.5', 'many', '10000001', '1e3'])
    t.throws(() => loadConfig({ RATE_LIMIT: rate }), { message: /^RATE_LIMIT is .* off, or a whole number/ })
  for (const proxies of [
    'true',
    '10.0.0.0/33',
    '10.0.0',
    '0.0.0.0/0',
    'proxy.example',
    '::1%lo',
    '1.2.3.4/8/8',
  ])
    t.throws(() => loadConfig({ TRUST_PROXY: proxies }), { message: /^TRUST_PROXY is .* networks/ })
})

t.test('an address belongs to networks and addresses of both families', async (t) => {
  const isIn = addressesOf(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'])
  for (const address of ['10.255.0.1', '192.0.2.7', '2001:db8:1::1']) t.ok(isIn(address), address)
  for (const address of ['11.0.0.1', '192.0.2.8', '2001:db9::1', 'no address', ''])
    t.notOk(isIn(address), address)
})
