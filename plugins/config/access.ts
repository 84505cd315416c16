import { isIP } from 'node:net'
import { MAX_KEYS_TEXT, parseApiKeys, type ApiKey } from '../../formats/api-keys.js'
import { ConfigError } from './error.js'
import { readRegularFile } from './regular-file.js'
import type { TokenConfig } from './tokens.js'

/** Who may call the service. */
export interface AccessConfig {
  /** Of API_KEYS. */
  readonly keys: readonly ApiKey[]
  /** The file with more of them, which is read again when it changes; null without one. */
  readonly keysFile: string | null
  /** The tokens that serve as keys; null without an identity provider. */
  readonly tokens: TokenConfig | null
}

/** The variables, '' for one that is not set. */
export interface AccessVariables {
  readonly host: string
  readonly keys: string
  readonly keysFile: string
  readonly allowAnonymous: boolean
  readonly tokens: TokenConfig | null
}

const ENTRIES = 'name:sha256:roles, from aegis-ml keys create'

/** @throws ConfigError on the first bad value, and when everybody in the network could call the service */
export function accessConfig({
  host,
  keys,
  keysFile,
  allowAnonymous,
  tokens,
}: AccessVariables): AccessConfig {
  const config = {
    keys: readKeys('API_KEYS', '(not shown)', () => keys),
    keysFile: keysFile === '' ? null : keysFile,
    tokens,
  }
  if (config.keysFile !== null) readKeys('API_KEYS_FILE', keysFile, () => readKeysFile(keysFile))
  if (!needsKey(config) && !allowAnonymous && !isLoopback(host)) {
    throw new ConfigError(
      'ML_SERVICE_HOST',
      host,
      'a loopback address, unless API_KEYS, API_KEYS_FILE or JWT_JWKS_URL says who may call the service (docs/access.md; npm run keys makes a key), or ALLOW_ANONYMOUS=true lets everybody who reaches it do everything',
    )
  }
  return Object.freeze(config)
}

/** Whether a caller needs a key or a token. */
export function needsKey({ keys, keysFile, tokens }: AccessConfig): boolean {
  return keys.length > 0 || keysFile !== null || tokens !== null
}

/** @throws Error when it cannot be read, or is too large */
export function readKeysFile(file: string): string {
  return readRegularFile(file, MAX_KEYS_TEXT)
}

function readKeys(variable: string, given: string, read: () => string): ApiKey[] {
  try {
    return parseApiKeys(read())
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const allowed = code === undefined ? `${ENTRIES} (${message})` : `a file that can be read (${code})`
    throw new ConfigError(variable, given, allowed)
  }
}

function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (address === 'localhost' || address === '::1' || address === '::ffff:127.0.0.1') return true
  return isIP(address) === 4 && address.startsWith('127.')
}
