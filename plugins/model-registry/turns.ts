import { setTimeout as delay } from 'node:timers/promises'
import { ServiceError } from '../http/errors.js'

/** Lets one change happen at a time: each starts when the one before it has ended, well or badly. */
export interface Turns {
  /** @throws ServiceError DATABASE_UNAVAILABLE when the change hangs, SHUTTING_DOWN after the end */
  inTurn<T>(change: () => Promise<T>): Promise<T>
  /** Waits for the present change. None comes after it. */
  end(): Promise<void>
}

/** A change that hangs with its database ends after this time, so that others get their turn. */
const MAX_CHANGE_MS = 30_000

/** A change that hangs with its database delays the end by this at most. */
const MAX_CLOSE_MS = 2_000

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  return {
    inTurn(change) {
      if (closed) return Promise.reject(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
      const result = last.then(() => withinLimit(change()))
      last = result.catch(() => undefined)
      return result
    },
    async end() {
      closed = true
      await Promise.race([last, delay(MAX_CLOSE_MS, undefined, { ref: false })])
    },
  }
}

function withinLimit<T>(change: Promise<T>): Promise<T> {
  const message = 'The database does not answer. Try again shortly; GET /health shows its state.'
  const silence = delay(MAX_CHANGE_MS, undefined, { ref: false }).then(() => {
    throw new ServiceError('DATABASE_UNAVAILABLE', message)
  })
  return Promise.race([change, silence])
}
