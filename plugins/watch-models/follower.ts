import { describeDatabaseError, isDatabaseReadOnly } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { createListener } from '../../db/notifications.js'
import { WATCH_MODELS_CHANNEL } from '../../db/own/watch-models.js'
import { ONE_CONNECTION } from '../../db/pool.js'
import type { Database } from '../database.js'
import type { ModelRegistry } from '../model-registry.js'

interface FollowerOptions {
  readonly models: Pick<ModelRegistry, 'active'>
  readonly watchModels: { sync(): Promise<unknown> }
  readonly database: Pick<Database, 'assertUsable' | 'openConnection'>
  readonly log: Pick<Log, 'debug'>
}

/** A lost notification is noticed within this time. */
const POLL_MS = 30_000
/** A change of the active model is noticed within this time. */
const LOOK_MS = 1_000

/** Loads each new watch model, whichever replica fitted it, and that of the model that becomes active. */
export function followWatchModels({ models, watchModels, database, log }: FollowerOptions) {
  let version: string | undefined
  let dueMs = 0
  let isRunning = false
  const listener = createListener({
    channel: WATCH_MODELS_CHANNEL,
    open: () => database.openConnection(ONE_CONNECTION),
    onNotification: () => {
      dueMs = 0
    },
  })
  const look = async (): Promise<void> => {
    const active = models.active.anomaly?.version
    if (isRunning || (version === active && performance.now() < dueMs)) return
    isRunning = true
    dueMs = performance.now() + POLL_MS
    try {
      await database.assertUsable()
      await listener.check().catch((error: unknown) => {
        if (!isDatabaseReadOnly(error)) throw error // a standby cannot listen; it is asked
      })
      await watchModels.sync()
      version = active
    } catch (error) {
      const reason = describeDatabaseError(error)
      log.debug({ reason }, 'the database does not say which watch model is the newest; trying again')
      version = undefined
    } finally {
      isRunning = false
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS).unref()
  void look()
  return {
    async stop(): Promise<void> {
      clearInterval(timer)
      await listener.close()
    },
  }
}
