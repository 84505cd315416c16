import { readFileSync } from 'node:fs'

const MAX_CONNECTIONS = 4_000
/** Files and connections that the service needs beside those of its callers. */
const RESERVED = 256
const MIN_CONNECTIONS = 64

/** How many connections a process that may open so many files can serve. */
export function maxConnections(openFiles: number): number {
  return Math.max(MIN_CONNECTIONS, Math.min(MAX_CONNECTIONS, openFiles - RESERVED))
}

/** How many files this process may open; Infinity where the system does not say. */
export function maxOpenFiles(): number {
  try {
    const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return /^\d+$/.test(soft) ? Number(soft) : Infinity
  } catch {
    return Infinity // not Linux
  }
}
