import { createHash, timingSafeEqual } from 'node:crypto'
import { parseApiKeys, type ApiKey } from '../../formats/api-keys.js'
import { readKeysFile, type AccessConfig } from '../config/access.js'

/** How often the file of the keys is looked at. */
const LOOK_MS = 1_000

/** The keys that are valid now. */
export interface Keys {
  /** The key; undefined when it is not known. How long this takes tells nothing about the keys. */
  find(key: string): ApiKey | undefined
  stop(): void
}

interface Reloads {
  /** Called after the file was read again. */
  onReload(count: number): void
  /** Called once for each content that cannot be used; the keys before it stay. */
  onFailure(error: Error): void
}

/** @throws Error when the file cannot be used */
export function watchKeys({ keys, keysFile }: AccessConfig, { onReload, onFailure }: Reloads): Keys {
  let valid = keys
  let failed: string | undefined
  let used: string | undefined
  let seen: string | undefined
  const use = (text: string): void => {
    used = text
    valid = [...keys, ...parseApiKeys(text)]
  }
  if (keysFile !== null) use((seen = readKeysFile(keysFile)))
  const reload = (file: string): void => {
    try {
      const text = readKeysFile(file)
      // Somebody may be writing: without its end, the entry of a key may allow more. So a text has to be seen twice.
      if (text === seen && text !== used) {
        use(text)
        onReload(valid.length)
      }
      seen = text
      failed = undefined
    } catch (error) {
      const { message } = error as Error
      if (message !== failed) onFailure(error as Error)
      failed = message
    }
  }
  const timer = keysFile === null ? undefined : setInterval(() => reload(keysFile), LOOK_MS).unref()
  return {
    find(key) {
      const hash = hashOf(key)
      let found: ApiKey | undefined
      for (const each of valid) if (timingSafeEqual(each.hash, hash)) found = each
      return found
    },
    stop: () => clearInterval(timer),
  }
}

export function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
