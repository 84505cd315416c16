import { ConfigError } from './error.js'

/** Tokens of an identity provider, beside the keys. */
export interface TokenConfig {
  /** Where the provider publishes its public keys. */
  readonly jwksUrl: URL
  readonly issuer: string
  readonly audience: string
  /** Claim with the roles: its name, or a path with dots, as realm_access.roles. */
  readonly rolesClaim: string
}

/** '' for one that is not set. */
type TokenVariables = Readonly<
  Record<'JWT_JWKS_URL' | 'JWT_ISSUER' | 'JWT_AUDIENCE' | 'JWT_ROLES_CLAIM', string>
>

const MAX_LENGTH = 500

/**
 * The tokens that the environment describes; null without JWT_JWKS_URL.
 * @throws ConfigError on the first bad value
 */
export function tokenConfig(variables: TokenVariables): TokenConfig | null {
  const { JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE, JWT_ROLES_CLAIM } = variables
  if (JWT_JWKS_URL === '') {
    const alone = (['JWT_ISSUER', 'JWT_AUDIENCE'] as const).find((name) => variables[name] !== '')
    if (alone) throw new ConfigError(alone, variables[alone], 'a value only together with JWT_JWKS_URL')
    return null
  }
  return Object.freeze({
    jwksUrl: addressOf(JWT_JWKS_URL),
    issuer: textOf('JWT_ISSUER', JWT_ISSUER),
    audience: textOf('JWT_AUDIENCE', JWT_AUDIENCE),
    rolesClaim: textOf('JWT_ROLES_CLAIM', JWT_ROLES_CLAIM),
  })
}

function textOf(name: string, value: string): string {
  if (value !== '' && value.length <= MAX_LENGTH) return value
  throw new ConfigError(
    name,
    value.slice(0, 200),
    `1 to ${MAX_LENGTH} characters, because JWT_JWKS_URL is set`,
  )
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const hasPassword = url !== undefined && (url.username !== '' || url.password !== '')
  if (url && !hasPassword && /^https?:$/.test(url.protocol)) return url
  const allowed = 'an address without user and password, as https://id.example/.well-known/jwks.json'
  throw new ConfigError('JWT_JWKS_URL', hasPassword ? '(not shown)' : text.slice(0, 200), allowed)
}
