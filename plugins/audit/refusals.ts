import type { Log } from '../../db/log.js'

/** A request of somebody who may not do it. */
export interface Refusal {
  readonly code: string
  readonly method: string
  /** The path template; null where there is none. */
  readonly route: string | null
  readonly address: string | null
  readonly caller: string | null
  readonly requestId: string
}

/** A line in the log says so at most this often. */
const EVERY_MS = 10_000

/** Counts refusals. The log has the first at once, and then one line for all of ten seconds: a flood does not fill it. */
export function createRefusals(log: Pick<Log, 'warn'>) {
  const total = new Map<string, number>()
  let counted = new Map<string, number>()
  let last: Refusal | undefined
  let timer: NodeJS.Timeout | undefined

  const write = (): void => {
    timer = undefined
    if (last === undefined) return
    log.warn({ refused: Object.fromEntries(counted), last }, 'requests were refused')
    counted = new Map()
    last = undefined
    timer = setTimeout(write, EVERY_MS).unref()
  }
  return {
    note(refusal: Refusal): void {
      for (const counts of [counted, total]) counts.set(refusal.code, (counts.get(refusal.code) ?? 0) + 1)
      last = refusal
      if (timer === undefined) write()
    },
    /** How many there were since the start, by their code. */
    counts: (): ReadonlyMap<string, number> => total,
    close(): void {
      clearTimeout(timer)
      write()
      clearTimeout(timer)
    },
  }
}
