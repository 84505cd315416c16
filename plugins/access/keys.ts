import { createHash, timingSafeEqual } from 'node:crypto'
import { parseApiKeys, type ApiKey } from '../../formats/api-keys.js'
import { readKeysFile, type AccessConfig } from '../config/access.js'

/** How often the file of the keys is looked at. */
const RELOAD_MS = 2_000

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
  const read = (file: string): boolean => {
    const text = readKeysFile(file)
    if (text === last) return false
    last = text
    valid = [...keys, ...parseApiKeys(text)]
    return true
  }
  let last: string | undefined
  if (keysFile !== null) read(keysFile)
  const reload = (file: string): void => {
    try {
      if (read(file)) onReload(valid.length)
      failed = undefined
    } catch (error) {
      const { message } = error as Error
      if (message !== failed) onFailure(error as Error)
      failed = message
    }
  }
  const timer = keysFile === null ? undefined : setInterval(() => reload(keysFile), RELOAD_MS).unref()
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
