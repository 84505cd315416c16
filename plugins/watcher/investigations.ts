import type { Log } from '../../db/log.js'
import type { Incidents } from '../incidents.js'

export interface InvestigationOptions {
  readonly incidents: Pick<Incidents, 'investigate'>
  readonly log: Pick<Log, 'info'>
}

/** More incidents do not wait; each comes again while it is open. */
const MAX_WAITING = 1_000

/** Looks up what the log says about incidents, one after another, beside the judging. */
export function createInvestigations({ incidents, log }: InvestigationOptions) {
  const waiting = new Set<string>()
  let running: Promise<void> | undefined
  let closed = false
  const run = async (): Promise<void> => {
    for (const id of waiting) {
      if (closed) return
      waiting.delete(id)
      await incidents.investigate(id).catch((error: unknown) => {
        log.info({ err: error, incident: id }, 'an incident could not be looked into')
      })
    }
  }
  return {
    begin(id: string): void {
      if (closed || waiting.size >= MAX_WAITING) return
      waiting.add(id)
      running ??= run().finally(() => (running = undefined))
    },
    async close(): Promise<void> {
      closed = true
      await running
    },
  }
}
