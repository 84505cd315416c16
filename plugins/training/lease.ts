import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql, TransactionSql } from 'postgres'
import { describeDatabaseError } from '../../db/errors.js'
import {
  abandonJob,
  beat,
  finishJob,
  isBackend,
  lockTraining,
  startJob,
  type TrainingJob,
} from '../../db/own/jobs.js'
import { ServiceError } from '../http/errors.js'

/** The parts of a run, in order, each with the share of the whole at which it ends. */
const STAGES = {
  waiting: 0,
  rollups: 0.45,
  reading: 0.5,
  arrivals: 0.75,
  fitting: 0.95,
  publishing: 1,
} as const

export type Stage = keyof typeof STAGES

/** The right to train, which one run over all replicas has, with the row that tells the others of it. */
export interface TrainingLease {
  readonly job: TrainingJob
  /** Aborted when somebody asks the run to stop, and when the right is lost with the database. */
  readonly signal: AbortSignal
  /** What the run is at, and how much of that is done. */
  progress(stage: Stage, share?: number): void
  /** Ends the run with a last piece of work, in one transaction with the entry of its result. */
  finish<T>(work: (tx: TransactionSql) => Promise<T>, resultOf: (outcome: T) => object): Promise<T>
  /** Enters why the run has failed. */
  abandon(error: unknown): Promise<void>
  release(): Promise<void>
}

const BEAT_MS = 1_000
const SILENCE_MS = 5_000
const LAST_WORDS_MS = 2_000

/**
 * Takes the lock of all training runs on a connection of its own, and keeps saying that the run lives.
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

  const sayAlive = async (): Promise<void> => {
    const silence = delay(SILENCE_MS, undefined, { ref: false }).then(() => Promise.reject(lost('no answer')))
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
  const heart = setInterval(() => void (beating ??= sayAlive()), BEAT_MS)

  return {
    job,
    signal: ending.signal,
    progress(stage, share = 0) {
      const stages = Object.keys(STAGES) as Stage[]
      const before = stages[stages.indexOf(stage) - 1] ?? 'waiting'
      now = { stage, share: STAGES[before] + share * (STAGES[stage] - STAGES[before]) }
    },
    async finish(work, resultOf) {
      clearInterval(heart)
      await beating
      ending.signal.throwIfAborted()
      const done = connection.begin(async (tx) => {
        if (!(await isBackend(tx, backend))) throw lost('the connection was cut')
        const outcome = await work(tx)
        if (!(await finishJob(tx, job.id, resultOf(outcome)))) throw stopped()
        return outcome
      })
      return done as ReturnType<typeof work>
    },
    async abandon(error) {
      clearInterval(heart)
      const { code, message } = reasonOf(error)
      const state = code === 'TRAINING_STOPPED' ? 'stopped' : 'failed'
      const entered = abandonJob(connection, job.id, state, { code, message })
      await Promise.race([entered, delay(LAST_WORDS_MS, undefined, { ref: false })])
    },
    async release() {
      clearInterval(heart)
      await release()
    },
  }
}

function reasonOf(error: unknown): { code: string; message: string } {
  if (error instanceof ServiceError) return error
  return { code: 'INTERNAL_ERROR', message: 'The run has failed; the log of the service has the reason.' }
}

function stopped(): ServiceError {
  return new ServiceError(
    'TRAINING_STOPPED',
    'The training run was stopped, as was asked. The active model stays.',
  )
}

function lost(reason: string): ServiceError {
  const message = `The database was lost during the training run (${reason}). The active model stays; try again shortly.`
  return new ServiceError('DATABASE_UNAVAILABLE', message)
}
