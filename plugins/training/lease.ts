import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql, TransactionSql } from 'postgres'
import { describeDatabaseError } from '../../db/errors.js'
import { isBackend } from '../../db/lease.js'
import { abandonJob, beat, finishJob, lockTraining, startJob, type TrainingJob } from '../../db/own/jobs.js'
import { databaseFailure, ServiceError } from '../http/errors.js'

/** The stages of a run, in order, each with the share of the whole run at which it ends. */
const STAGES = {
  waiting: 0,
  rollups: 0.45,
  reading: 0.5,
  arrivals: 0.75,
  fitting: 0.95,
  publishing: 1,
} as const

export type Stage = keyof typeof STAGES

/** The right to train. One run of all replicas has it at a time; its row shows the run to the other replicas. */
export interface TrainingLease {
  readonly job: TrainingJob
  /** Aborted when somebody asks the run to stop, and when the connection to the database is lost. */
  readonly signal: AbortSignal
  /** The present stage, and the share of it that is done. */
  progress(stage: Stage, share?: number): void
  /**
   * Runs the last piece of work in a transaction on the connection of the lease.
   * @throws the reason of the signal; ServiceError when the lease was lost
   */
  transaction<T>(work: (tx: TransactionSql) => Promise<T>): Promise<T>
  /**
   * Enters that the run is done, in the transaction given.
   * @throws ServiceError TRAINING_STOPPED when somebody has asked the run to stop
   */
  finish(tx: TransactionSql, result: object): Promise<void>
  /** Enters why the run has failed. */
  abandon(error: unknown): Promise<void>
  release(): Promise<void>
}

const HEARTBEAT_MS = 1_000
const MAX_SILENCE_MS = 5_000
const MAX_ABANDON_MS = 2_000

/**
 * Takes the lock of all training runs on the connection given, and renews the row of the run every second.
 * @returns null when another run has the lock
 */
export async function takeTrainingLease(connection: Sql, request: object): Promise<TrainingLease | null> {
  const release = () => connection.end({ timeout: 1 })
  try {
    const backend = await lockTraining(connection)
    if (backend !== undefined) {
      const job = await startJob(connection, randomUUID(), 'waiting', request)
      return createLease(connection, backend, job, release)
    }
  } catch (error) {
    await release()
    throw error
  }
  await release()
  return null
}

function createLease(
  connection: Sql,
  backend: number,
  job: TrainingJob,
  release: () => Promise<void>,
): TrainingLease {
  const ending = new AbortController()
  let now: { stage: Stage; share: number } = { stage: 'waiting', share: 0 }
  let beating: Promise<void> | undefined

  const heartbeat = async (): Promise<void> => {
    const silence = delay(MAX_SILENCE_MS, undefined, { ref: false }).then(() =>
      Promise.reject(lost('no answer')),
    )
    try {
      const { stop, locked } = await Promise.race([beat(connection, job.id, { ...now, backend }), silence])
      if (!locked) throw lost('the connection was cut')
      if (stop) ending.abort(stopped())
    } catch (error) {
      ending.abort(error instanceof ServiceError ? error : lost(describeDatabaseError(error)))
    } finally {
      beating = undefined
    }
  }
  const heart = setInterval(() => void (beating ??= heartbeat()), HEARTBEAT_MS)

  return {
    job,
    signal: ending.signal,
    progress(stage, share = 0) {
      const stages = Object.keys(STAGES) as Stage[]
      const before = stages[stages.indexOf(stage) - 1] ?? 'waiting'
      now = { stage, share: STAGES[before] + share * (STAGES[stage] - STAGES[before]) }
    },
    async transaction(work) {
      clearInterval(heart)
      await beating
      ending.signal.throwIfAborted()
      const done = connection.begin(async (tx) => {
        if (!(await isBackend(tx, backend))) throw lost('the connection was cut')
        return work(tx)
      })
      return done as ReturnType<typeof work>
    },
    async finish(tx, result) {
      if (!(await finishJob(tx, job.id, result))) throw stopped()
    },
    async abandon(error) {
      clearInterval(heart)
      const { code, message } = reasonOf(error)
      const state = code === 'TRAINING_STOPPED' ? 'stopped' : 'failed'
      const entered = abandonJob(connection, job.id, state, { code, message })
      await Promise.race([entered, delay(MAX_ABANDON_MS, undefined, { ref: false })])
    },
    async release() {
      clearInterval(heart)
      await release()
    },
  }
}

function reasonOf(error: unknown): { code: string; message: string } {
  const failure = error instanceof ServiceError ? error : databaseFailure(error)
  if (failure !== undefined) return failure
  return { code: 'INTERNAL_ERROR', message: 'The run has failed. The log of the service has the reason.' }
}

function stopped(): ServiceError {
  const message = 'The training run was stopped on request. The active model stays.'
  return new ServiceError('TRAINING_STOPPED', message)
}

function lost(reason: string): ServiceError {
  const message = `The database was lost during the training run (${reason}). The active model stays. Try again shortly.`
  return new ServiceError('DATABASE_UNAVAILABLE', message)
}
