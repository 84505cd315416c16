import type { Sql } from 'postgres'
import { endWhenSilent, isBackend, tryLock, type Lock } from '../../db/lease.js'

/** The right to do something that one replica does at a time. */
export interface Lease {
  /**
   * Takes the right if it is free, and says whether it is still there. Between two calls it is kept for as long as this
   * process lives: the server takes it from one that hangs.
   * @throws Error when the database does not answer
   */
  hold(): Promise<boolean>
  release(): Promise<void>
}

/** The server hears from a holder so often, also while it works for long. Well within `MAX_SILENCE`. */
const BEAT_MS = 4_000

/** @param open opens a connection that stays open */
export function createLease(open: () => Sql, lock: Lock, beatMs = BEAT_MS): Lease {
  let connection: Sql | undefined
  /** The backend process that holds the lock. */
  let backend: number | undefined
  let heart: NodeJS.Timeout | undefined
  const release = async (): Promise<void> => {
    clearInterval(heart)
    const held = connection
    connection = undefined
    backend = undefined
    await held?.end({ timeout: 1 }).catch(() => undefined)
  }
  /** What is wrong shows at the next call. */
  const beat = () => void connection!`select 1`.catch(() => undefined)
  return {
    async hold() {
      try {
        const held = (connection ??= open())
        // The driver replaces a connection that breaks; the new one has no lock.
        if (backend !== undefined) {
          if (await isBackend(held, backend)) return true
          await release()
          return false
        }
        backend = await tryLock(held, lock)
        if (backend === undefined) return false
        await endWhenSilent(held)
        heart = setInterval(beat, beatMs).unref()
        return true
      } catch (error) {
        await release()
        throw error
      }
    },
    release,
  }
}
