import { hash } from 'node:crypto'
import type { Socket } from 'node:net'

/** Keys that callers have used with success, with their addresses. Only digests are kept. */
export interface KnownKeys {
  has(address: string, key: string): boolean
  /** Cheap for a key that its connection has used before. */
  add(socket: Socket, address: string, key: string): void
}

/** @param max the key that was learned first is forgotten */
export function createKnownKeys(max: number): KnownKeys {
  const digests = new Set<string>()
  const lastOf = new WeakMap<Socket, string>()
  const digestOf = (address: string, key: string) => hash('sha256', `${address} ${key}`, 'base64')
  return {
    has: (address, key) => digests.has(digestOf(address, key)),
    add(socket, address, key) {
      if (lastOf.get(socket) === key) return
      lastOf.set(socket, key)
      digests.add(digestOf(address, key))
      if (digests.size > max) digests.delete(digests.values().next().value!)
    },
  }
}
