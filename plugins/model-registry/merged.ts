import { ServiceError } from '../http/errors.js'

/** Equal changes that are asked for at the same time are made once. */
export interface Merged {
  /**
   * Makes a change. Who asks while an equal one is under way gets the result of the next, which all others who ask
   * meanwhile share: the present one may have missed what happened before the question.
   *
   * @param key equal for changes that are equal
   * @throws ServiceError BUSY when too many different changes wait
   */
  run<T>(key: string, change: () => Promise<T>): Promise<T>
}

interface Runs {
  present: Promise<unknown>
  next?: Promise<unknown>
}

/** @param max how many changes may be under way or wait */
export function createMerged(max: number): Merged {
  const byKey = new Map<string, Runs>()
  let pending = 0

  const begin = <T>(change: () => Promise<T>): Promise<T> => {
    if (pending >= max) {
      throw new ServiceError('BUSY', `${max} changes of the models are under way. Try again shortly.`)
    }
    pending++
    return change().finally(() => pending--)
  }
  const start = <T>(key: string, change: () => Promise<T>): Promise<T> => {
    const present = begin(change)
    const runs: Runs = { present }
    byKey.set(key, runs)
    const forget = () => {
      if (runs.next === undefined) byKey.delete(key)
    }
    present.then(forget, forget)
    return present
  }
  return {
    async run<T>(key: string, change: () => Promise<T>): Promise<T> {
      const runs = byKey.get(key)
      if (runs === undefined) return start(key, change)
      const ended = runs.present.catch(() => undefined)
      runs.next ??= ended.then(() => {
        byKey.delete(key)
        return start(key, change)
      })
      return runs.next as Promise<T>
    },
  }
}
