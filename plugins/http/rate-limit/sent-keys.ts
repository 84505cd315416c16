import { hash } from 'node:crypto'
import type { Socket } from 'node:net'

/** The keys that addresses have sent. Only digests are kept. */
export interface SentKeys {
  /** Whether the key has worked from the address, or else was wrong there; undefined for one that is new. */
  resultOf(address: string, key: string): 'worked' | 'failed' | undefined
  /** Cheap for a key that its connection has used before. */
  noteSuccess(socket: Socket, address: string, key: string): void
  /** @returns whether the key is new */
  noteFailure(socket: Socket, address: string, key: string): boolean
}

/** @param max of each kind, the key that was learned first is forgotten */
export function createSentKeys(max: number): SentKeys {
  const worked = new Set<string>()
  const failed = new Set<string>()
  const lastOf = new WeakMap<Socket, string>()
  const digestOf = (address: string, key: string) => hash('sha256', `${address} ${key}`, 'base64')
  const add = (digests: Set<string>, digest: string): void => {
    digests.add(digest)
    if (digests.size > max) digests.delete(digests.values().next().value!)
  }
  return {
    resultOf(address, key) {
      if (failed.size === 0 && worked.size === 0) return undefined
      const digest = digestOf(address, key)
      // One that has worked and is wrong now failed later.
      return failed.has(digest) ? 'failed' : worked.has(digest) ? 'worked' : undefined
    },
    noteSuccess(socket, address, key) {
      const use = `${address} ${key}`
      if (lastOf.get(socket) === use) return
      lastOf.set(socket, use)
      const digest = digestOf(address, key)
      failed.delete(digest)
      add(worked, digest)
    },
    noteFailure(socket, address, key) {
      lastOf.delete(socket)
      const digest = digestOf(address, key)
      const isNew = !failed.has(digest) && !worked.has(digest)
      add(failed, digest)
      return isNew
    },
  }
}
