import { generateKeyPairSync } from 'node:crypto'
import t, { type Test } from 'tap'
import { watchProviderKeys, type ProviderTimes } from '../../../plugins/access/provider-keys.js'
import { callerOfToken } from '../../../plugins/access/tokens.js'
import { loadConfig } from '../../../plugins/config.js'
import { tokenConfig } from '../../../plugins/config/tokens.js'
import { testService } from '../../service.js'
import {
  AUDIENCE,
  claimsOf,
  confusedToken,
  identityProvider,
  ISSUER,
  signingKey,
  tokenOf,
  unsignedToken,
  type IdentityProvider,
} from './identity-provider.js'

const [rsa, pss, ec, ed, other] = [
  signingKey('RS256'),
  signingKey('PS256'),
  signingKey('ES256'),
  signingKey('EdDSA'),
  signingKey('RS256'),
]

const HOUR_MS = 3_600_000
const TIMES: ProviderTimes = { timeoutMs: 10_000, refreshMs: HOUR_MS, cooldownMs: HOUR_MS, failurePauseMs: 0 }

const environment = (url: string, JWT_ROLES_CLAIM = 'roles') => ({
  JWT_JWKS_URL: url,
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  JWT_ROLES_CLAIM,
})

function verifier(
  t: Test,
  { url }: IdentityProvider,
  times: Partial<ProviderTimes> = {},
  rolesClaim = 'roles',
) {
  const failures: Error[] = []
  const keys = watchProviderKeys(new URL(url), { ...TIMES, ...times }, (error) => failures.push(error))
  t.teardown(() => keys.stop())
  const config = tokenConfig(environment(url, rolesClaim))!
  return { failures, callerOf: (token: string) => callerOfToken(token, config, keys) }
}

const seconds = (offset: number) => Math.floor(Date.now() / 1000) + offset

t.test('tokens of each kind of key name their caller, with roles and sources', async (t) => {
  const provider = await identityProvider(t, rsa, pss, ec, ed)
  const { callerOf } = verifier(t, provider)
  for (const key of [rsa, pss, ec, ed]) {
    const claims = claimsOf({ sub: key.alg, roles: ['operate', 'editor'], sources: ['gw 1', 'ü'] })
    const { name, roles, sources } = await callerOf(tokenOf(key, claims))
    t.same([name, [...roles], sources], [key.alg, ['operate', 'read'], ['gw 1', 'ü']])
  }
  t.match(await callerOf(tokenOf(rsa, claimsOf({ sources: 'one', aud: ['other', AUDIENCE] }))), {
    sources: ['one'],
  })
  t.match(await callerOf(tokenOf(rsa, claimsOf({ exp: seconds(-5) }))), { name: 'ann' }, 'clocks may differ')
  const long = await callerOf(tokenOf(rsa, claimsOf({ sub: `a\nb\u2028${'é'.repeat(500)}` })))
  t.match(long.name, /^a_b_é{124}$/)
  t.equal(provider.asked, 1)
})

t.test('a token that is not valid is refused with what is wrong', async (t) => {
  const { callerOf } = verifier(t, await identityProvider(t, rsa, ec))
  const [head, , signature] = tokenOf(rsa).split('.')
  const forged = [
    head,
    Buffer.from(JSON.stringify(claimsOf({ roles: ['admin'] }))).toString('base64url'),
    signature,
  ]
  for (const [token, message] of [
    [tokenOf(rsa, claimsOf({ exp: seconds(-60) })), /^This token has expired\./],
    [tokenOf(rsa, claimsOf({ exp: undefined })), /claim exp is missing or wrong/],
    [tokenOf(rsa, claimsOf({ nbf: seconds(60) })), /claim nbf is missing or wrong/],
    [tokenOf(rsa, claimsOf({ aud: 'another' })), /claim aud is missing or wrong/],
    [tokenOf(rsa, claimsOf({ aud: undefined })), /claim aud is missing or wrong/],
    [tokenOf(rsa, claimsOf({ iss: 'https://evil.example/' })), /claim iss is missing or wrong/],
    [tokenOf(rsa, claimsOf({ sub: undefined })), /claim sub is missing or wrong/],
    [tokenOf(rsa, claimsOf({ sources: [1] })), /claim sources of this token is not a list/],
    [tokenOf(rsa, claimsOf({ sources: null })), /claim sources of this token is not a list/],
    [unsignedToken(), /not signed with the private key/],
    [confusedToken(rsa), /not signed with the private key/],
    [tokenOf(other), /has no key for this token/],
    [tokenOf(other, claimsOf(), { kid: rsa.kid }), /not valid/],
    [tokenOf(rsa, claimsOf(), { kid: ec.kid }), /has no key for this token/],
    [tokenOf(rsa, claimsOf(), { crit: ['b64'], b64: false }), /not valid/],
    [forged.join('.'), /not valid/],
    ['e30.e30.e30', /not valid/],
  ] as const) {
    await t.rejects(callerOf(token), { code: 'UNAUTHENTICATED', message }, String(message))
  }
})

t.test(
  'a public key that cannot be used makes a token invalid, and is no fault of the service',
  async (t) => {
    const provider = await identityProvider(t, rsa)
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
    for (const published of [short, { kty: 'RSA', n: '!', e: 'AQAB' }, { kty: 'RSA' }]) {
      provider.misbehave = (_request, response) =>
        void response.end(JSON.stringify({ keys: [{ ...published, kid: rsa.kid, alg: 'RS256' }] }))
      await t.rejects(
        verifier(t, provider).callerOf(tokenOf(rsa)),
        { code: 'UNAUTHENTICATED' },
        JSON.stringify(published).slice(0, 40),
      )
    }
  },
)

t.test('roles are in a claim of any name, as a list or as a text', async (t) => {
  const provider = await identityProvider(t, rsa)
  for (const [claim, claims, roles] of [
    ['scope', { scope: 'openid detect read' }, ['read', 'detect']],
    ['realm_access.roles', { realm_access: { roles: ['detect'] } }, ['detect']],
    ['https://a.example/roles', { 'https://a.example/roles': ['read'] }, ['read']],
    ['roles', { roles: 'root' }, []],
    ['roles', { roles: { admin: true } }, []],
    ['roles.constructor.name', { roles: [] }, []],
    ['groups', {}, []],
  ] as const) {
    const { callerOf } = verifier(t, provider, {}, claim)
    const caller = await callerOf(tokenOf(rsa, claimsOf({ roles: undefined, ...claims })))
    t.same([...caller.roles], roles, claim)
  }
})

t.test('a new key is found when a token names it; unknown ones do not make the provider work', async (t) => {
  const provider = await identityProvider(t, rsa)
  const eager = verifier(t, provider, { cooldownMs: 0 })
  t.match(await eager.callerOf(tokenOf(rsa)), { name: 'ann' })
  provider.keys = [ec]
  t.match(await eager.callerOf(tokenOf(ec)), { name: 'ann' })
  await t.rejects(eager.callerOf(tokenOf(rsa)), { code: 'UNAUTHENTICATED' }, 'the old one is gone')

  provider.asked = 0
  const { callerOf } = verifier(t, provider)
  const storm = await Promise.allSettled(Array.from({ length: 100 }, () => callerOf(tokenOf(other))))
  t.ok(storm.every(({ status }) => status === 'rejected'))
  t.equal(provider.asked, 1)
})

t.test('while the provider is away the known keys stay valid, and other tokens get 503', async (t) => {
  const provider = await identityProvider(t, rsa)
  const { callerOf, failures } = verifier(t, provider, { cooldownMs: 0 })
  t.match(await callerOf(tokenOf(rsa)), { name: 'ann' })
  const faults: IdentityProvider['misbehave'][] = [
    (_request, response) => void response.writeHead(500).end('{"keys":[]}'),
    (_request, response) => void response.end('<html>'),
    (_request, response) => void response.end('{"keys":"none"}'),
    (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
    (_request, response) => void response.end(`{"keys":[],"x":"${'x'.repeat(2_000_000)}"}`),
    (_request, response) => void response.destroy(),
  ]
  for (const fault of faults) {
    provider.misbehave = fault
    const away = { code: 'IDENTITY_PROVIDER_UNAVAILABLE', message: /does not answer\. Try again shortly/ }
    await t.rejects(callerOf(tokenOf(other)), away, String(fault))
    t.match(await callerOf(tokenOf(rsa)), { name: 'ann' })
    await t.rejects(callerOf(tokenOf(rsa, claimsOf({ exp: seconds(-60) }))), { code: 'UNAUTHENTICATED' })
  }
  t.equal(failures.length, 1, 'one line in the log')
  provider.misbehave = () => undefined
  const asked = provider.asked
  const paused = verifier(t, provider, { failurePauseMs: HOUR_MS, timeoutMs: 50 })
  for (let i = 0; i < 3; i++)
    await t.rejects(paused.callerOf(tokenOf(rsa)), { code: 'IDENTITY_PROVIDER_UNAVAILABLE' })
  t.equal(provider.asked, asked + 1)
  provider.misbehave = undefined
  await t.rejects(callerOf(tokenOf(other)), { code: 'UNAUTHENTICATED' })
})

t.test('the service takes tokens beside keys', async (t) => {
  const provider = await identityProvider(t, rsa)
  const { app } = await testService(t, environment(provider.url))
  const ask = async (url: string, authorization?: string) => {
    const answer = await app.inject({ url, headers: authorization === undefined ? {} : { authorization } })
    return { status: answer.statusCode, body: answer.json<object>(), headers: answer.headers }
  }
  const bearer = (claims?: object) => `Bearer ${tokenOf(rsa, claims)}`
  t.match(await ask('/version', bearer(claimsOf())), { status: 200 })
  t.match(await ask('/version'), { status: 401, headers: { 'www-authenticate': /^Bearer/ } })
  t.match(await ask('/version', bearer(claimsOf({ exp: 1 }))), { status: 401, body: { message: /expired/ } })
  t.match(await ask('/version', 'Bearer unknown'), {
    status: 401,
    body: { message: /This key is not known/ },
  })
  t.match(await ask('/version', bearer(claimsOf({ roles: ['other'] }))), {
    status: 403,
    body: { code: 'FORBIDDEN', message: /it needs the role read, and has none/ },
  })
  provider.misbehave = (_request, response) => void response.destroy()
  t.match(await ask('/version', bearer(claimsOf())), { status: 200 })
})

t.test('the variables are checked at start', async (t) => {
  const url = 'https://id.example/jwks'
  for (const [variables, message] of [
    [{ JWT_ISSUER: 'a' }, /^JWT_ISSUER is "a"; allowed is a value only together with JWT_JWKS_URL\.$/],
    [{ JWT_JWKS_URL: url, JWT_AUDIENCE: 'a' }, /^JWT_ISSUER is ""; .* because JWT_JWKS_URL is set/],
    [{ JWT_JWKS_URL: url, JWT_ISSUER: 'a' }, /^JWT_AUDIENCE is ""/],
    [environment('id.example'), /^JWT_JWKS_URL is "id\.example"; allowed is an address/],
    [environment('https://me:secret@id.example/'), /^JWT_JWKS_URL is "\(not shown\)"/],
  ] as const) {
    t.throws(() => loadConfig(variables), { message })
  }
  t.doesNotThrow(() => loadConfig({ ML_SERVICE_HOST: '0.0.0.0', ...environment(url) }))
})
