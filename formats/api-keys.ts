/** What a key may do. */
export type Role = (typeof ROLES)[number]

export const ROLES = ['read', 'detect', 'operate', 'admin'] as const

/** A key as the configuration has it. The key itself is known to its owner alone. */
export interface ApiKey {
  readonly name: string
  /** SHA-256 of the key, 32 bytes. */
  readonly hash: Buffer
  readonly roles: readonly Role[]
  /** The sources whose reports the key may send; null for any. */
  readonly sources: readonly string[] | null
}

const MAX_KEYS = 1_000
export const MAX_KEYS_TEXT = 1_000_000
export const MAX_KEY_SOURCES = 100

/** What {@link isKeyName} allows, in words. */
export const KEY_NAMES = '1 to 64 letters, digits, dots, dashes, underscores or @, a letter or digit first'

const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

const SHA256 = /^[0-9a-f]{64}$/i

/** The sentence names the entry by its place. It shows no hash and no key. */
export class ApiKeysError extends Error {}

/**
 * The keys of a text: `name:sha256:role+role`, or `name:sha256:role+role:source+source`. Entries stand in lines, or have
 * spaces or commas between them. A line that begins with # is a comment. Sources are percent-encoded. Two keys may have
 * one name, so that an old one works until its owner has the new one.
 *
 * @throws ApiKeysError on the first entry that is none
 */
export function parseApiKeys(text: string): ApiKey[] {
  if (text.length > MAX_KEYS_TEXT) throw new ApiKeysError(`has more than ${MAX_KEYS_TEXT} characters`)
  const entries = text
    .replace(/^\s*#.*$/gm, '')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
  if (entries.length > MAX_KEYS) throw new ApiKeysError(`has more than ${MAX_KEYS} keys`)
  const keys = entries.map((entry, index) => readEntry(entry, `entry ${index + 1}`))
  const hashes = keys.map(({ hash }) => hash.toString('hex'))
  const twice = hashes.findIndex((hash, index) => hashes.indexOf(hash) !== index)
  if (twice >= 0) throw new ApiKeysError(`entry ${twice + 1} has the hash of an entry before it`)
  return keys
}

function readEntry(entry: string, place: string): ApiKey {
  const [name = '', hash = '', roles = '', sources, ...rest] = entry.split(':')
  if (rest.length > 0) throw new ApiKeysError(`${place} has more than four parts; percent-encode the sources`)
  if (!isKeyName(name)) throw new ApiKeysError(`the name of ${place} is not ${KEY_NAMES}`)
  // What stands there may be a key itself, in place of its entry, so it is not shown.
  if (!SHA256.test(hash))
    throw new ApiKeysError(`${place} has no SHA-256 of 64 hexadecimal digits after its name`)
  return {
    name,
    hash: Buffer.from(hash, 'hex'),
    roles: readRoles(roles, `${place} (${name})`),
    sources: sources === undefined ? null : readSources(sources, `${place} (${name})`),
  }
}

function readRoles(text: string, place: string): Role[] {
  const roles = [...new Set(text.split(/[+|]/))]
  if (!roles.every(isRole)) throw new ApiKeysError(`the roles of ${place} are not among ${ROLES.join(', ')}`)
  return roles
}

function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text)
}

function readSources(text: string, place: string): string[] {
  const sources = [...new Set(text.split('+'))].map((source) => {
    try {
      return decodeURIComponent(source)
    } catch {
      return ''
    }
  })
  if (sources.length > MAX_KEY_SOURCES || !sources.every(isKeySource)) {
    throw new ApiKeysError(
      `the sources of ${place} are not up to ${MAX_KEY_SOURCES} names of 1 to 128 characters with + between them`,
    )
  }
  return sources
}

export function isKeyName(text: string): boolean {
  return KEY_NAME.test(text)
}

/** Whether a key may be bound to a source of this name: 1 to 128 characters of Unicode. */
export function isKeySource(text: string): boolean {
  return text.length > 0 && text.length <= 128 && !LONE_SURROGATE.test(text)
}

const LONE_SURROGATE = /\p{Surrogate}/u

/** The entry of a key, as {@link parseApiKeys} reads it. */
export function formatApiKey({ name, hash, roles, sources }: ApiKey): string {
  const bound = sources === null ? [] : [sources.map(encodeURIComponent).join('+')]
  return [name, hash.toString('hex'), roles.join('+'), ...bound].join(':')
}
