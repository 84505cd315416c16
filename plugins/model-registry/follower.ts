import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { describeDatabaseError } from '../../db/errors.js'
import type { Log } from '../../db/log.js'
import { ACTIVE_CHANNEL, pingChannel } from '../../db/own/models.js'
import { WATCHING, type Database } from '../database.js'
import type { ModelRegistry } from '../model-registry.js'

export interface FollowerOptions {
  readonly registry: Pick<ModelRegistry, 'sync' | 'restoreFromFiles'>
  readonly database: Pick<Database, 'assertUsable' | 'openConnection'>
  readonly log: Pick<Log, 'debug'>
  /** How long a notification that was lost goes unnoticed. */
  readonly pollMs: number
}

const RETRY_MS = 1_000
const ANSWER_LIMIT_MS = 5_000

/**
 * Keeps the registry at what the database says is active: a notification tells of each change at once, a slow
 * poll of those whose notification was lost. Each poll also sends an echo through the channel; where the one
 * before has not come back, the connection that listens is replaced.
 *
 * Resolves when the registry has what is active, from the files while the database is away.
 */
export async function followActiveModel({ registry, database, log, pollMs }: FollowerOptions) {
  const echo = `echo ${randomUUID()}`
  let heard = false
  let listener: Sql | undefined
  let timer: NodeJS.Timeout | undefined
  let running = false
  let stopped = false

  const syncNow = (): void => void registry.sync().catch(retrySoon)
  const onNotification = (payload: string): void => {
    if (payload === echo) heard = true
    else if (!payload.startsWith('echo ')) syncNow()
  }
  const listen = async (): Promise<void> => {
    const deaf = listener
    listener = database.openConnection(WATCHING)
    await deaf?.end({ timeout: 0 }).catch(() => undefined)
    // A connection that breaks is replaced at once; what changed in between is asked for.
    await listener.listen(ACTIVE_CHANNEL, onNotification, syncNow)
    heard = true
  }
  const listenAndPing = async (): Promise<void> => {
    if (!heard) await listen()
    heard = false
    await pingChannel(listener!, echo)
  }
  const poll = async (): Promise<void> => {
    await database.assertUsable()
    await answered(listenAndPing())
    await registry.sync()
  }
  const run = async (): Promise<void> => {
    if (running) return
    running = true
    let next = pollMs
    try {
      await poll()
    } catch (error) {
      log.debug(
        { reason: describeDatabaseError(error) },
        'the active model cannot be asked for; trying again',
      )
      heard = false
      next = RETRY_MS
    }
    running = false
    schedule(next)
  }
  function schedule(ms: number): void {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(() => void run(), ms).unref()
  }
  function retrySoon(): void {
    schedule(RETRY_MS)
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
      await listener?.end({ timeout: 0 }).catch(() => undefined)
    },
  }
}

/** A connection that hangs gives no error. */
function answered(work: Promise<void>): Promise<void> {
  const silence = delay(ANSWER_LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new Error('no answer to the listening connection')
  })
  return Promise.race([work, silence])
}
