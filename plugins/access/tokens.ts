import { errors, jwtVerify, type JWTPayload } from 'jose'
import { isKeySource, MAX_KEY_SOURCES, ROLES, type Role } from '../../formats/api-keys.js'
import type { TokenConfig } from '../config/tokens.js'
import { ServiceError } from '../http/errors.js'
import { callerWith, type Caller } from './caller.js'
import { ProviderAwayError, type ProviderKeys } from './provider-keys.js'

/** None with a shared secret: the public key of the provider must not work as one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

/** How far the clocks of the provider and the service may differ. */
const CLOCK_SKEW_SECONDS = 30

const MAX_NAME = 128

/** Three parts with dots between them. A key of the service has none. */
export function looksLikeToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)
}

/**
 * Who sends a token of the identity provider.
 * @throws ServiceError UNAUTHENTICATED; IDENTITY_PROVIDER_UNAVAILABLE while nobody can say whether it is valid
 */
export async function callerOfToken(
  token: string,
  { issuer, audience, rolesClaim }: TokenConfig,
  { keyOf }: Pick<ProviderKeys, 'keyOf'>,
): Promise<Caller> {
  const options = {
    issuer,
    audience,
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_SKEW_SECONDS,
    requiredClaims: ['exp', 'sub'],
  }
  const { payload } = await jwtVerify(token, keyOf, options).catch((error: unknown) => {
    throw refusalOf(error)
  })
  const sources = sourcesIn(payload['sources'])
  return callerWith({ name: printable(payload.sub!), roles: rolesIn(payload, rolesClaim), sources })
}

function refusalOf(error: unknown): ServiceError {
  if (error instanceof ProviderAwayError) {
    const message =
      'The identity provider that issues tokens does not answer. Try again shortly, or use a key.'
    return new ServiceError('IDENTITY_PROVIDER_UNAVAILABLE', message, null, { cause: error })
  }
  return new ServiceError('UNAUTHENTICATED', `${problemOf(error)} Get a new token.`, null, { cause: error })
}

function problemOf(error: unknown): string {
  if (!(error instanceof errors.JOSEError)) {
    return 'The key that the identity provider publishes for this token cannot be used.' // too short, or damaged
  }
  if (error instanceof errors.JWTExpired) return 'This token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `This token is not for this service: its claim ${error.claim} is missing or wrong.`
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return 'This token is not signed with the private key of an identity provider.'
  }
  if (error instanceof errors.JWKSNoMatchingKey) return 'The identity provider has no key for this token.'
  return 'This token is not valid.'
}

/** The known roles of a list or of a text with spaces. A claim is named, or found by a path with dots. */
function rolesIn(payload: JWTPayload, claim: string): Role[] {
  const value = payload[claim] ?? claim.split('.').reduce<unknown>(memberOf, payload)
  const names = typeof value === 'string' ? value.split(' ') : value
  return Array.isArray(names) ? ROLES.filter((role) => names.includes(role)) : []
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

/** @throws ServiceError UNAUTHENTICATED: a claim that cannot be read must not mean any source */
function sourcesIn(claim: unknown): string[] | null {
  if (claim === undefined) return null
  const names: unknown[] = [claim].flat()
  const isList = names.every((name) => typeof name === 'string' && isKeySource(name))
  if (isList && names.length <= MAX_KEY_SOURCES) return names as string[]
  const problem = `not a list of at most ${MAX_KEY_SOURCES} names of 1 to 128 characters`
  throw new ServiceError('UNAUTHENTICATED', `The claim sources of this token is ${problem}. Get a new token.`)
}

/** A subject may be any text. It appears in logs. */
function printable(subject: string): string {
  return subject.slice(0, MAX_NAME).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '_')
}
