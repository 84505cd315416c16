import type { Sql } from 'postgres'
import { endWhenSilent, isBackend, tryLock, type Lock } from '../../db/lease.js'

/** The right to do something that one replica does at a time. */
export interface Lease {
  /**
   * Takes the right if it is free, and keeps it. Called at least every few seconds: the server takes it from a replica that
   * is silent for longer.
   * @throws Error when the database does not answer
   */
  hold(): Promise<boolean>
  release(): Promise<void>
}

/** @param open opens a connection that stays open */
export function createLease(open: () => Sql, lock: Lock): Lease {
  let connection: Sql | undefined
  /** The backend process that holds the lock. */
  let backend: number | undefined
  const release = async (): Promise<void> => {
    const held = connection
    connection = undefined
    backend = undefined
    await held?.end({ timeout: 1 }).catch(() => undefined)
  }
  return {
    async hold() {
      try {
        if (connection === undefined) {
          connection = open()
          await endWhenSilent(connection)
        }
        // The driver replaces a connection that breaks; the new one has no lock.
        if (backend !== undefined && !(await isBackend(connection, backend))) {
          await release()
          return false
        }
        backend ??= await tryLock(connection, lock)
        return backend !== undefined
      } catch (error) {
        await release()
        throw error
      }
    },
    release,
  }
}
