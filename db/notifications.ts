import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql, TransactionSql } from 'postgres'

/** A connection that hears what is sent through a channel. */
export interface Listener {
  /**
   * Checks that the channel works, and sends an echo through it. Connects the first time, and again when the echo of
   * the previous check has not come back.
   *
   * @throws Error when the server does not answer
   */
  check(): Promise<void>
  close(): Promise<void>
}

export interface ListenerOptions {
  readonly channel: string
  /** Opens a connection that can be closed at any moment. */
  readonly open: () => Sql
  /** Called for each notification, and after each (re)connection: notifications in between are lost. */
  readonly onNotification: () => void
}

const ANSWER_LIMIT_MS = 5_000
const ECHO = 'echo '

/** Notifies the listeners of a channel; within a transaction, when it commits. */
export async function notify(sql: Sql | TransactionSql, channel: string, payload: string): Promise<void> {
  await sql`select pg_notify(${channel}, ${payload})`
}

/** Listens to a channel from the first check on. */
export function createListener({ channel, open, onNotification }: ListenerOptions): Listener {
  const echo = `${ECHO}${randomUUID()}`
  let heard = false
  let connection: Sql | undefined

  const onPayload = (payload: string): void => {
    if (payload === echo) heard = true
    else if (!payload.startsWith(ECHO)) onNotification()
  }
  const listen = async (): Promise<void> => {
    const deaf = connection
    connection = open()
    await deaf?.end({ timeout: 0 }).catch(() => undefined)
    await connection.listen(channel, onPayload, onNotification) // the driver replaces a connection that breaks
    heard = true
  }
  const listenAndEcho = async (): Promise<void> => {
    if (!heard) await listen()
    heard = false
    await notify(connection!, channel, echo)
  }

  return {
    async check() {
      try {
        await answered(listenAndEcho())
      } catch (error) {
        heard = false
        throw error
      }
    },
    async close() {
      await connection?.end({ timeout: 0 }).catch(() => undefined)
    },
  }
}

/** A connection that hangs gives no error. */
function answered(work: Promise<void>): Promise<void> {
  const silence = delay(ANSWER_LIMIT_MS, undefined, { ref: false }).then(() => {
    throw new Error('The listening connection does not answer.')
  })
  return Promise.race([work, silence])
}
