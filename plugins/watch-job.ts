import { setTimeout as delay } from 'node:timers/promises'

/** What changes of a job while it runs. */
export interface WatchedJob {
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
  readonly stage: string
  readonly share: number
  readonly stopRequested: boolean
}

/** Yields a job at each change, until it ends or the signal is aborted. @param find asked every pollMs */
export async function* watchJob<Job extends WatchedJob>(
  find: () => Job | Promise<Job>,
  pollMs: number,
  signal: AbortSignal,
): AsyncGenerator<Job> {
  let last: string | undefined
  while (!signal.aborted) {
    const job = await find()
    const present = `${job.state} ${job.stage} ${job.share} ${job.stopRequested}`
    if (present !== last) yield job
    last = present
    if (job.state !== 'running') return
    await delay(pollMs, undefined, { signal }).catch(() => undefined)
  }
}
