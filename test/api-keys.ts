import { randomBytes } from 'node:crypto'
import { formatApiKey, type Role } from '../formats/api-keys.js'
import { hashOf } from '../plugins/access/keys.js'

/** A key as the command makes them. */
export const newKey = () => `aegis_${randomBytes(32).toString('base64url')}`

/** The entry of a key, for API_KEYS. */
export function entryOf(
  name: string,
  key: string,
  roles: readonly Role[],
  sources: readonly string[] | null = null,
): string {
  return formatApiKey({ name, hash: hashOf(key), roles, sources })
}
