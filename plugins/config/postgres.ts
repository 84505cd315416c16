import { readFileSync } from 'node:fs'
import type { Connection, Encryption } from '../../db/pool.js'
import { ConfigError } from './error.js'

export type DatabaseConfig = { readonly mode: 'embedded' } | ({ readonly mode: 'server' } & Connection)

/** The value of a variable; undefined when it is not set. */
type Read = (name: string) => string | undefined

/** Any of them means a server. */
const PLACE = ['HOST', 'PORT', 'DB', 'USER', 'PASSWORD', 'PASSWORD_FILE', 'URL', 'URL_FILE']

/** How the names of the variables begin: those of the database, and those of the one that has the request log. */
type Prefix = 'POSTGRES_' | 'TRAFFIC_POSTGRES_'

const MAX_SECRET_BYTES = 10_000
const HIDDEN = '(not shown)'

/**
 * The server that the variables POSTGRES_… name; the embedded one when there are none. Those that are set take
 * precedence over the parts of POSTGRES_URL.
 *
 * @param raw reads a variable with its spaces: they may belong to a password
 * @throws ConfigError on the first bad value; it shows no password
 */
export function readPostgres(read: Read, raw: Read): DatabaseConfig {
  const server = readServer('POSTGRES_', read, raw)
  return server ? { mode: 'server', ...server } : { mode: 'embedded' }
}

/** The server that the variables TRAFFIC_POSTGRES_… name, by the same rules; null when there are none. */
export function readTrafficPostgres(read: Read, raw: Read): Connection | null {
  return readServer('TRAFFIC_POSTGRES_', read, raw) ?? null
}

function readServer(prefix: Prefix, read: Read, raw: Read): Connection | undefined {
  if (!PLACE.some((name) => read(`${prefix}${name}`) !== undefined)) return undefined
  const url = readUrl(prefix, read)
  const text = (
    name: string,
    ofUrl: string | undefined,
    fallback: string,
    pattern: RegExp,
    allowed: string,
  ) => {
    const value = read(`${prefix}${name}`) ?? (ofUrl || fallback)
    if (!pattern.test(value)) throw new ConfigError(`${prefix}${name}`, value, allowed)
    return value
  }
  const host = text('HOST', url?.host, 'localhost', /^\S{1,255}$/, 'a host name or an IP address')
  const port = text('PORT', url?.port, '5432', /^\d{1,5}$/, PORTS)
  if (Number(port) < 1 || Number(port) > 65_535) throw new ConfigError(`${prefix}PORT`, port, PORTS)
  const database = text('DB', url?.database, 'aegis', /^.{1,63}$/, 'a database name of 1 to 63 characters')
  const user = text('USER', url?.user, 'aegis_user', /^.{1,63}$/, 'a user name of 1 to 63 characters')
  const password = secret(raw, `${prefix}PASSWORD`) ?? (url?.password || 'dev_password')
  const tls = readEncryption(prefix, read, url)
  const server = { host, port: Number(port), database, user, password }
  return tls ? { ...server, tls } : server
}

const PORTS = 'a whole number from 1 to 65535'
const URLS = 'postgres://user:password@host:port/database?sslmode=disable|require|verify-full'

interface Url {
  readonly host: string
  readonly port: string
  readonly database: string
  readonly user: string
  readonly password: string
  readonly sslMode: string | null
  readonly sslCa: string | null
}

function readUrl(prefix: Prefix, read: Read): Url | undefined {
  const given = secret(read, `${prefix}URL`)
  if (given === undefined) return undefined
  try {
    const url = new URL(given)
    if (!/^postgres(ql)?:$/.test(url.protocol)) throw new Error('another protocol')
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      database: decodeURIComponent(url.pathname.slice(1)),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      sslMode: url.searchParams.get('sslmode'),
      sslCa: url.searchParams.get('sslrootcert'),
    }
  } catch {
    throw new ConfigError(`${prefix}URL`, HIDDEN, URLS)
  }
}

/** The value of a variable, or the content of the file that its twin names. */
function secret(read: Read, name: string): string | undefined {
  const file = read(`${name}_FILE`)
  const value = read(name)
  if (value !== undefined || file === undefined) return value
  const content = readText(`${name}_FILE`, file).replace(/\r?\n$/, '')
  if (content === '') throw new ConfigError(`${name}_FILE`, file, 'a file that is not empty')
  return content
}

function readText(variable: string, file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    if (variable.endsWith(CA) || text.length <= MAX_SECRET_BYTES) return text
  } catch {
    // as below
  }
  throw new ConfigError(variable, file, 'a file that the service can read')
}

const CA = 'SSL_CA'
const MODES: Readonly<Record<string, 'disable' | 'require' | 'verify-full'>> = {
  ...{ disable: 'disable', false: 'disable' },
  ...{ require: 'require', true: 'require' },
  'verify-full': 'verify-full',
}

function readEncryption(prefix: Prefix, read: Read, url: Url | undefined): Encryption | undefined {
  const ofVariable = read(`${prefix}SSL`)
  const given = ofVariable ?? url?.sslMode ?? 'disable'
  const mode = MODES[given.toLowerCase()]
  if (mode === undefined) {
    const variable = ofVariable === undefined ? `sslmode in ${prefix}URL` : `${prefix}SSL`
    throw new ConfigError(variable, given, 'one of disable, require, verify-full')
  }
  if (mode === 'disable') return undefined
  const file = read(`${prefix}${CA}`) ?? url?.sslCa
  if (!file) return { verify: mode === 'verify-full' ? 'host' : 'nothing' }
  const ca = readText(`${prefix}${CA}`, file)
  if (!ca.includes('BEGIN CERTIFICATE'))
    throw new ConfigError(`${prefix}${CA}`, file, 'a file of certificates in PEM format')
  return { verify: mode === 'verify-full' ? 'host' : 'issuer', ca }
}
