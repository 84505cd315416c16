import { createHmac, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

export interface SigningKey {
  readonly kid: string
  readonly alg: Algorithm
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export const ISSUER = 'https://id.example/'
export const AUDIENCE = 'aegis-ml'

export function signingKey(alg: Algorithm): SigningKey {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { kid: randomUUID(), alg, ...pair }
}

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const nowSeconds = () => Math.floor(Date.now() / 1000)

/** The claims of a token for a reader; undefined leaves a claim out. */
export function claimsOf(changes: object = {}): object {
  const usual = { sub: 'ann', iss: ISSUER, aud: AUDIENCE, exp: nowSeconds() + 3_600, roles: ['read'] }
  return { ...usual, ...changes }
}

export function tokenOf(
  { kid, alg, privateKey }: SigningKey,
  claims: object = claimsOf(),
  header: object = {},
): string {
  const text = `${base64url({ alg, kid, typ: 'JWT', ...header })}.${base64url(claims)}`
  const options =
    alg === 'ES256'
      ? { key: privateKey, dsaEncoding: 'ieee-p1363' as const }
      : alg === 'PS256'
        ? { key: privateKey, padding: 6, saltLength: 32 }
        : privateKey
  const signature = sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), options)
  return `${text}.${signature.toString('base64url')}`
}

/** A token with the public key as the secret of an HMAC. */
export function confusedToken({ kid, publicKey }: SigningKey, claims = claimsOf()): string {
  const text = `${base64url({ alg: 'HS256', kid })}.${base64url(claims)}`
  const secret = publicKey.export({ type: 'spki', format: 'pem' })
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

export function unsignedToken(claims = claimsOf()): string {
  return `${base64url({ alg: 'none' })}.${base64url(claims)}.`
}

export interface IdentityProvider {
  readonly url: string
  /** What it publishes. */
  keys: readonly SigningKey[]
  /** How often it was asked. */
  asked: number
  /** Answers instead. */
  misbehave: RequestListener | undefined
}

export async function identityProvider(t: Test, ...keys: SigningKey[]): Promise<IdentityProvider> {
  const server = createServer((request, response) => {
    provider.asked++
    if (provider.misbehave) return void provider.misbehave(request, response)
    const published = provider.keys.map(({ kid, alg, publicKey }) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg,
      use: 'sig',
    }))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: published }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  const provider: IdentityProvider = { url, keys, asked: 0, misbehave: undefined }
  return provider
}
