import type { Sql } from 'postgres'
import { findJob, requestStop, runningJob, type TrainingJob } from '../../db/own/jobs.js'
import type { Database } from '../database.js'
import { ServiceError } from '../http/errors.js'
import { watchJob } from '../watch-job.js'

/** The training runs of all replicas, from the database. */
export interface TrainingJobs {
  find(id: string): Promise<TrainingJob>
  /** The present run, or null. */
  current(): Promise<TrainingJob | null>
  /** Asks a run to stop. One that has ended stays as it is. */
  stop(id: string): Promise<TrainingJob>
  /** Yields the run at each change, until it ends or the signal is aborted. */
  watch(id: string, signal: AbortSignal): AsyncGenerator<TrainingJob>
}

const POLL_MS = 500

export function createTrainingJobs(sql: Sql, database: Pick<Database, 'assertUsable'>): TrainingJobs {
  const find = async (id: string): Promise<TrainingJob> => {
    await database.assertUsable()
    const job = await findJob(sql, id)
    if (job) return job
    const message = `There is no training run ${id}. The newest hundred are kept. POST /train begins one.`
    throw new ServiceError('JOB_NOT_FOUND', message)
  }
  return {
    find,
    async current() {
      await database.assertUsable()
      return (await runningJob(sql)) ?? null
    },
    async stop(id) {
      await find(id)
      await requestStop(sql, id)
      return find(id)
    },
    watch: (id, signal) => watchJob(() => find(id), POLL_MS, signal),
  }
}
