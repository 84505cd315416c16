import { setTimeout as delay } from 'node:timers/promises'
import { describeDatabaseError } from '../../db/errors.js'
import { ONE_CONNECTION, openPool, type Connection } from '../../db/pool.js'

/** Asks a server whether it answers. */
export interface Probe {
  /** What is wrong; undefined when the server answers. Returns within 1.5 s. */
  ask(): Promise<string | undefined>
  end(): Promise<void>
}

const ANSWER_LIMIT_MS = 1_500
const PROBE_LIMIT_MS = 10_000

/**
 * The probe has its own connection: a pool that is busy with long queries is no outage. Concurrent callers share one
 * question. A connection that hangs (a stopped process, an unplugged cable) is replaced after a while.
 */
export function createProbe(connection: Connection): Probe {
  let sql = openPool(connection, ONE_CONNECTION)
  let running: Promise<string | undefined> | undefined

  async function probe(): Promise<string | undefined> {
    const asked = sql
    const giveUp = setTimeout(() => {
      sql = openPool(connection, ONE_CONNECTION)
      void asked.end({ timeout: 0 })
    }, PROBE_LIMIT_MS).unref()
    try {
      await asked`select 1`
      return undefined
    } catch (error) {
      return describeDatabaseError(error)
    } finally {
      clearTimeout(giveUp)
      running = undefined
    }
  }

  return {
    ask() {
      running ??= probe()
      const silence = `no answer within ${ANSWER_LIMIT_MS / 1000} s`
      return Promise.race([running, delay(ANSWER_LIMIT_MS, silence, { ref: false })])
    },
    end: () => sql.end({ timeout: 1 }),
  }
}
