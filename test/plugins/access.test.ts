import { writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock } from 'node:test'
import t from 'tap'
import { formatApiKey, parseApiKeys, type Role } from '../../formats/api-keys.js'
import { hashOf, watchKeys } from '../../plugins/access/keys.js'
import { loadConfig } from '../../plugins/config.js'
import { entryOf, newKey } from '../api-keys.js'
import { eventually } from '../eventually.js'
import { testService } from '../service.js'

const entry = (name: string, key: string, ...roles: Role[]) => entryOf(name, key, roles)

t.test('entries are read with their roles and sources, and written as they were', async (t) => {
  const hash = hashOf('secret').toString('hex')
  const text = `# people\nann:${hash}:read+operate\n\n  gw-1:${hashOf('other').toString('hex')}:detect:gw%201+gw-2`
  const keys = parseApiKeys(text)
  t.same(
    keys.map(({ name, roles, sources }) => ({ name, roles, sources })),
    [
      { name: 'ann', roles: ['read', 'operate'], sources: null },
      { name: 'gw-1', roles: ['detect'], sources: ['gw 1', 'gw-2'] },
    ],
  )
  t.same(parseApiKeys(keys.map(formatApiKey).join(',')), keys)
})

t.test('an entry that is none is named by its place, without its hash', async (t) => {
  const hash = hashOf('secret').toString('hex')
  for (const [text, problem] of [
    ['ann', /entry 1 has no SHA-256/],
    [`ann:${hash.slice(1)}:read`, /entry 1 has no SHA-256/],
    [`ann:${hash}:`, /roles of entry 1 \(ann\) are not among read, detect, operate, admin/],
    [`ann:${hash}:read+root`, /roles of entry 1/],
    [`a b:${hash}:read`, /entry 1 has no SHA-256/],
    [`-:${hash}:read`, /name of entry 1/],
    [`ann:${hash}:read:`, /sources of entry 1/],
    [`ann:${hash}:read:a:b`, /more than four parts/],
    [`ann:${hash}:read bob:${hash}:read`, /entry 2 has the hash of an entry before it/],
  ] as const) {
    t.throws(() => parseApiKeys(text), { message: problem })
    t.throws(() => loadConfig({ API_KEYS: text }), {
      message: new RegExp(`^API_KEYS is "\\(not shown\\)".*${problem.source}`),
    })
  }
})

t.test('a key in place of its entry is in no message', async (t) => {
  const key = newKey()
  for (const text of [key, `${key}:read`, `gateway:${key}:detect`]) {
    t.throws(() => loadConfig({ API_KEYS: text }), { message: /^(?!.*aegis_).*entry 1 has no SHA-256/ })
  }
})

t.test('without keys the service serves loopback alone, unless everybody is allowed', async (t) => {
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])
    t.doesNotThrow(() => loadConfig({ ML_SERVICE_HOST: host }))
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'gateway.example', '127.0.0.1.example'])
    t.throws(() => loadConfig({ ML_SERVICE_HOST: host }), { message: /ALLOW_ANONYMOUS=true/ })
  t.doesNotThrow(() => loadConfig({ ML_SERVICE_HOST: '0.0.0.0', ALLOW_ANONYMOUS: 'true' }))
  t.doesNotThrow(() => loadConfig({ ML_SERVICE_HOST: '0.0.0.0', API_KEYS: entry('ann', newKey(), 'read') }))
  t.throws(() => loadConfig({ API_KEYS_FILE: '/nowhere/keys' }), {
    message: 'API_KEYS_FILE is "/nowhere/keys"; allowed is a file that can be read (ENOENT).',
  })
})

t.test('keys and certificates are in regular files: reading a pipe or a device may never end', async (t) => {
  for (const file of [tmpdir(), '/dev/zero']) {
    t.throws(() => loadConfig({ API_KEYS_FILE: file }), { message: /not a regular file/ }, file)
    const certificate = { ML_SERVICE_TLS_CERT_FILE: file, ML_SERVICE_TLS_KEY_FILE: file }
    t.throws(() => loadConfig(certificate), { message: /not a regular file/ }, file)
  }
})

t.test('a key may do what its roles allow, and no more', async (t) => {
  const [reader, gateway, operator, admin] = [newKey(), newKey(), newKey(), newKey()]
  const { app } = await testService(t, {
    ALLOW_ANONYMOUS: 'true', // has no effect where keys are defined
    API_KEYS: [
      entry('reader', reader, 'read'),
      entry('gateway', gateway, 'detect'),
      entry('operator', operator, 'operate'),
      entry('admin', admin, 'admin'),
    ].join('\n'),
  })
  const ask = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>) => {
    const answer = await app.inject({ method, url, headers })
    return { status: answer.statusCode, code: answer.json<{ code?: string }>().code, headers: answer.headers }
  }
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

  for (const url of ['/health/live', '/health/ready']) t.equal((await ask('GET', url, {})).status, 200)
  const without = await ask('GET', '/health', {})
  t.match(without, { status: 401, code: 'UNAUTHENTICATED', headers: { 'www-authenticate': /^Bearer/ } })
  for (const wrong of [
    '',
    'Bearer',
    'Basic YTpi',
    `Bearer ${reader}x`,
    `Bearer ${hashOf(reader).toString('hex')}`,
  ])
    t.equal((await ask('GET', '/health', { authorization: wrong })).status, 401, wrong)
  t.equal((await ask('GET', '/nowhere', {})).status, 404)

  t.equal((await ask('GET', '/health', bearer(reader))).status, 200)
  t.equal((await ask('GET', '/health', { 'x-api-key': reader })).status, 200)
  t.match(await ask('POST', '/model/reset', bearer(reader)), { status: 403, code: 'FORBIDDEN' })
  t.equal((await ask('POST', '/optimize', bearer(reader))).status, 403)
  t.equal((await ask('GET', '/health', bearer(gateway))).status, 403)
  t.equal((await ask('POST', '/detect', bearer(gateway))).status, 400)
  t.equal((await ask('GET', '/detect/trend', bearer(gateway))).status, 200)
  t.equal((await ask('GET', '/health', bearer(operator))).status, 200)
  t.equal((await ask('POST', '/optimize', bearer(operator))).status, 400)
  t.equal((await ask('POST', '/detect', bearer(operator))).status, 403)
  t.equal((await ask('POST', '/model/reset', bearer(operator))).status, 403)
  for (const [method, url] of [
    ['GET', '/health'],
    ['POST', '/model/reset'],
  ] as const)
    t.equal((await ask(method, url, bearer(admin))).status, 200)
  t.equal((await ask('POST', '/detect', bearer(admin))).status, 400)
})

t.test('keys are read again when their file changes; a damaged file changes nothing', async (t) => {
  const file = join(await mkdtemp(join(tmpdir(), 'aegis-ml-keys-')), 'keys')
  const [old, next, other] = [newKey(), newKey(), newKey()]
  writeFileSync(file, entry('ann', old, 'read'))
  const { app } = await testService(t, { API_KEYS_FILE: file, API_KEYS: entry('bob', other, 'read') })
  const status = async (key: string) =>
    (await app.inject({ url: '/version', headers: { 'x-api-key': key } })).statusCode
  t.same([await status(old), await status(next)], [200, 401])

  writeFileSync(file, 'ann:none')
  writeFileSync(file, [entry('ann', old, 'read'), entry('ann', next, 'read')].join('\n'))
  await eventually(async () => (await status(old)) === 200 && (await status(next)) === 200)
  const address = await app.listen({ port: 0 })
  const [removed, kept] = [await follow(address, next), await follow(address, other)]
  writeFileSync(file, '')
  // An address that has sent many wrong keys gets 429 for another.
  await eventually(async () => (await status(old)) !== 200 && (await status(next)) !== 200)
  await t.rejects(endOf(removed), 'a stream ends with its key')
  t.equal(await Promise.race([endOf(kept), Promise.resolve('open')]), 'open')
  await kept.cancel()
})

type Reader = ReadableStreamDefaultReader<Uint8Array>

async function follow(address: string, key: string): Promise<Reader> {
  const { body } = await fetch(`${address}/incidents/stream`, { headers: { 'x-api-key': key } })
  const reader = body!.getReader()
  await reader.read()
  return reader
}

async function endOf(reader: Reader): Promise<void> {
  while (!(await reader.read()).done);
}

t.test('a file of keys that is being written does not count until it is whole', async (t) => {
  const file = join(await mkdtemp(join(tmpdir(), 'aegis-ml-keys-')), 'keys')
  const key = newKey()
  const whole = entryOf('gw', key, ['detect'], ['orders'])
  writeFileSync(file, whole)
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let reloads = 0
  const keys = watchKeys(
    { keys: [], keysFile: file, tokens: null },
    { onReload: () => reloads++, onFailure: (error) => t.fail(error.message) },
  )
  const look = () => mock.timers.tick(1_000)
  for (const part of ['', whole.slice(0, 20), whole.slice(0, -':orders'.length), `${whole}\n`]) {
    writeFileSync(file, part)
    look()
    t.same(keys.find(key)?.sources, ['orders'])
  }
  look()
  look()
  t.equal(reloads, 1)
  keys.stop()
})
