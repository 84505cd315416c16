import { describeDatabaseError, isDatabaseReadOnly } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { createListener } from '../../db/notifications.js'
import { ACTIVE_CHANNEL } from '../../db/own/models.js'
import { ONE_CONNECTION } from '../../db/pool.js'
import type { Database } from '../database.js'
import type { ModelRegistry } from './registry.js'

export interface FollowerOptions {
  readonly registry: Pick<ModelRegistry, 'sync' | 'restoreFromFiles'>
  readonly database: Pick<Database, 'assertUsable' | 'openConnection'>
  readonly log: Pick<Log, 'debug'>
  /** A lost notification is noticed within this time. */
  readonly pollMs: number
}

const RETRY_MS = 1_000

/**
 * Keeps the registry at what the database says is active. A notification announces each change at once; a slow poll
 * finds the changes whose notification was lost, and checks the connection that listens.
 *
 * Resolves when the registry has what is active, from the files while the database is away.
 */
export async function followActiveModel({ registry, database, log, pollMs }: FollowerOptions) {
  let timer: NodeJS.Timeout | undefined
  let running = false
  let stopped = false
  const listener = createListener({
    channel: ACTIVE_CHANNEL,
    open: () => database.openConnection(ONE_CONNECTION),
    onNotification: () => void registry.sync().catch(() => schedule(RETRY_MS)),
  })

  const poll = async (): Promise<void> => {
    await database.assertUsable()
    await listener.check().catch((error: unknown) => {
      if (!isDatabaseReadOnly(error)) throw error // a standby cannot listen; it is polled
    })
    await registry.sync()
  }
  const run = async (): Promise<void> => {
    if (running) return
    running = true
    let next = pollMs
    try {
      await poll()
    } catch (error) {
      const reason = describeDatabaseError(error)
      log.debug({ reason }, 'the database does not say which model is active; trying again')
      next = RETRY_MS
    }
    running = false
    schedule(next)
  }
  function schedule(ms: number): void {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(() => void run(), ms).unref()
  }

  try {
    await poll()
    schedule(pollMs)
  } catch (error) {
    log.debug({ reason: describeDatabaseError(error) }, 'the active model is taken from the files')
    await registry.restoreFromFiles()
    schedule(RETRY_MS)
  }
  return {
    async stop(): Promise<void> {
      stopped = true
      clearTimeout(timer)
      await listener.close()
    },
  }
}
