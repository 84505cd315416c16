import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { ConfigError } from './error.js'

/** Who is told of incidents. */
export interface NotificationConfig {
  readonly alertmanagers: readonly Receiver[]
  /** The file of a bearer token, read for each request, since tokens are renewed; null without one. */
  readonly alertmanagerTokenFile: string | null
  readonly webhooks: readonly Receiver[]
  /** The keys of the signatures; each signs, so that a receiver may know an old one. */
  readonly webhookKeys: readonly Buffer[]
  /** Where people reach the service, without a slash at its end; null where it is not known. */
  readonly publicUrl: string | null
}

export interface Receiver {
  /** Stands in the database, in answers and in logs. It has no secret of the URL. */
  readonly name: string
  /** Without user and password. */
  readonly url: string
  /** The header that authorises a request; null without one. */
  readonly authorization: string | null
}

/** The variables, '' for one that is not set. */
export interface NotificationVariables {
  readonly alertmanagerUrl: string
  readonly alertmanagerTokenFile: string
  readonly webhookUrls: string
  readonly webhookSecret: string
  readonly webhookSecretFile: string
  readonly publicUrl: string
}

const HIDDEN = '(not shown)'
const MAX_RECEIVERS = 20
const MAX_URL = 2_000
const MAX_SECRET_BYTES = 10_000
const MAX_KEYS = 3

/** @throws ConfigError on the first bad value; it shows no secret */
export function notificationConfig(given: NotificationVariables): NotificationConfig {
  const { alertmanagerTokenFile: tokenFile } = given
  if (tokenFile !== '' && !existsSync(tokenFile)) {
    throw new ConfigError('ALERTMANAGER_TOKEN_FILE', tokenFile, 'a file that exists')
  }
  const alertmanagers = receivers('ALERTMANAGER_URL', 'alertmanager', given.alertmanagerUrl, ALERTMANAGERS)
  const webhooks = receivers('WEBHOOK_URLS', 'webhook', given.webhookUrls, WEBHOOKS)
  const webhookKeys = readKeys(given)
  if (webhooks.length > 0 && webhookKeys.length === 0) {
    throw new ConfigError('WEBHOOK_SECRET', '', `with WEBHOOK_URLS ${SECRETS}`)
  }
  const publicUrl = given.publicUrl === '' ? null : readPublicUrl(given.publicUrl)
  return Object.freeze({
    alertmanagers: alertmanagers.map(({ url, ...rest }) => ({ ...rest, url: url.replace(/\/+$/, '') })),
    alertmanagerTokenFile: tokenFile || null,
    ...{ webhooks, webhookKeys, publicUrl },
  })
}

const ALERTMANAGERS =
  'addresses of Alertmanagers with commas between them, as http://user:password@alertmanager:9093; at most 20'
const WEBHOOKS = 'http or https addresses with commas between them; at most 20'
const PUBLIC = 'the address at which people reach the service, as https://aegis.example'
const SECRETS =
  'whsec_ and the base64 of 24 to 64 random bytes, as of "openssl rand -base64 32"; up to three with spaces between them'

function receivers(variable: string, kind: string, list: string, allowed: string): Receiver[] {
  const texts = list
    .split(/[\s,]+/)
    .map((text) => text.trim())
    .filter((text) => text !== '')
  const found = texts.map((text): Receiver => {
    const url = parseUrl(text)
    const hasQuery = kind === 'alertmanager' && (url?.search !== '' || url.hash !== '')
    if (url === undefined || hasQuery) throw new ConfigError(variable, HIDDEN, allowed)
    const authorization = basicOf(url)
    if (authorization === undefined) throw new ConfigError(variable, HIDDEN, `${allowed} (a % is %25)`)
    url.username = url.password = ''
    const mark = createHash('sha256').update(url.href).digest('hex').slice(0, 8)
    return { name: `${kind}:${url.host}:${mark}`, url: url.href, authorization }
  })
  if (new Set(found.map(({ name }) => name)).size < found.length) {
    throw new ConfigError(variable, HIDDEN, `${allowed}, each once`)
  }
  if (found.length > MAX_RECEIVERS) throw new ConfigError(variable, HIDDEN, allowed)
  return found
}

function parseUrl(text: string): URL | undefined {
  const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : undefined
  return url && /^https?:$/.test(url.protocol) ? url : undefined
}

/** The header of a user and a password; undefined where they are malformed. */
function basicOf({ username, password }: URL): string | null | undefined {
  if (username === '' && password === '') return null
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return `Basic ${Buffer.from(credentials).toString('base64')}`
  } catch {
    return undefined
  }
}

function readPublicUrl(text: string): string {
  const url = parseUrl(text)
  if (!url || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new ConfigError('PUBLIC_URL', url?.password ? HIDDEN : text.slice(0, 200), PUBLIC)
  }
  return url.href.replace(/\/+$/, '')
}

function readKeys({ webhookSecret, webhookSecretFile: file }: NotificationVariables): Buffer[] {
  if (webhookSecret !== '' && file !== '') {
    throw new ConfigError('WEBHOOK_SECRET', HIDDEN, 'no value beside WEBHOOK_SECRET_FILE')
  }
  const variable = file === '' ? 'WEBHOOK_SECRET' : 'WEBHOOK_SECRET_FILE'
  const text = file === '' ? webhookSecret : readSecret(file)
  const keys = text
    .split(/[\s,]+/)
    .filter((each) => each !== '')
    .map(keyOf)
  const isValid = keys.length <= MAX_KEYS && keys.every((key) => key.length >= 24 && key.length <= 64)
  if (!isValid || (file !== '' && keys.length === 0)) throw new ConfigError(variable, HIDDEN, SECRETS)
  return keys
}

/** An empty key for a text that is none. */
function keyOf(text: string): Buffer {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  return Buffer.from(base64, 'base64')
}

function readSecret(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.length <= MAX_SECRET_BYTES) return text
  } catch {
    // as below
  }
  throw new ConfigError('WEBHOOK_SECRET_FILE', file, 'a file that the service can read')
}
