import { ServiceError } from '../errors.js'

/** Who wants to begin something of which only so much is done at the same time. */
export interface Holder {
  /** The name of the caller, when it is known. */
  readonly caller: string | null
  /** Whether the caller has left: its place is free. */
  isGone(): boolean
}

export interface SlotLimits {
  /** What is done, in the plural. */
  readonly what: string
  readonly atOnce: number
  /** How many may wait for a place. */
  readonly waiting: number
  /** How many places a caller with a key may have. */
  readonly perCaller?: number
}

export interface Slots {
  /**
   * Waits for a place.
   * @throws ServiceError BUSY when too many wait already, or when none becomes free in time
   */
  enter(holder: Holder): Promise<void>
  /** Frees the place of a holder; nothing without one. */
  leave(holder: Holder): void
  readonly taken: number
}

const MAX_WAIT_MS = 10_000

interface Waiting {
  readonly holder: Holder
  begin(): void
  giveUp(): void
}

export function createSlots({ what, atOnce, waiting: maxWaiting, perCaller = atOnce }: SlotLimits): Slots {
  const holders = new Set<Holder>()
  const queue = new Set<Waiting>()

  const busy = (count: number, of = ''): ServiceError =>
    new ServiceError('BUSY', `${count} ${what}${of} are under way. Try again shortly.`)
  const removeGone = (): void => {
    for (const each of holders) if (each.isGone()) holders.delete(each)
    for (const each of queue) if (each.holder.isGone()) each.giveUp()
  }
  const beginNext = (): void => {
    for (const next of queue) {
      if (holders.size >= atOnce) return
      next.begin()
    }
  }
  const wait = (holder: Holder): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = () => {
        clearTimeout(timer)
        queue.delete(waiting)
        reject(busy(atOnce))
      }
      const timer = setTimeout(giveUp, MAX_WAIT_MS)
      const waiting = {
        ...{ holder, giveUp },
        begin() {
          clearTimeout(timer)
          queue.delete(waiting)
          holders.add(holder)
          resolve()
        },
      }
      queue.add(waiting)
    })
  return {
    get taken() {
      return holders.size
    },
    async enter(holder) {
      const { caller } = holder
      const own = () => [...holders].filter((each) => each.caller === caller).length
      if (holders.size >= Math.min(atOnce, perCaller)) removeGone()
      if (caller !== null && perCaller < atOnce && own() >= perCaller) throw busy(perCaller, ' of this key')
      if (holders.size < atOnce && queue.size === 0) return void holders.add(holder)
      if (queue.size >= maxWaiting) throw busy(atOnce)
      const turn = wait(holder)
      beginNext()
      return turn
    },
    leave(holder) {
      if (holders.delete(holder)) beginNext()
    },
  }
}
