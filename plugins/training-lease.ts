import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { describeDatabaseError } from '../db/errors.js'
import { openOwnConnection, type OwnConnection } from '../db/own-connection.js'
import {
  abandonJob,
  beat,
  finishJob,
  lockTraining,
  startJob,
  type TrainingJob,
} from '../db/queries/training-jobs.js'
import { ServiceError } from './errors.js'

/** The parts of a run, in order, each with the share of the whole at which it ends. */
const STAGES = { waiting: 0, rollups: 0.6, reading: 0.65, fitting: 0.95, publishing: 1 } as const

export type Stage = keyof typeof STAGES

/** The right to train, which one run over all replicas has, with the row that tells the others of it. */
export interface TrainingLease {
  readonly job: TrainingJob
  /** Aborted when somebody asks the run to stop, and when the right is lost with the database. */
  readonly signal: AbortSignal
  /** What the run is at, and how much of that is done. */
  progress(stage: Stage, share?: number): void
  /** Ends the run with a last piece of work, in one transaction with the entry of its result. */
  finish<T>(work: (tx: Sql) => Promise<T>, resultOf: (outcome: T) => object): Promise<T>
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
export async function takeTrainingLease(pool: Sql, request: object): Promise<TrainingLease | null> {
  const connection = openOwnConnection(pool, {})
  try {
    if (await lockTraining(connection.sql)) {
      const start = () => startJob(connection.sql, randomUUID(), 'waiting', request)
      return createLease(connection, await connection.transaction('', start))
    }
  } catch (error) {
    await connection.close()
    throw error
  }
  await connection.close()
  return null
}

function createLease(connection: OwnConnection, job: TrainingJob): TrainingLease {
  const { sql } = connection
  const ending = new AbortController()
  let now: { stage: Stage; share: number } = { stage: 'waiting', share: 0 }
  let beating: Promise<void> | undefined

  const sayAlive = async (): Promise<void> => {
    const silence = delay(SILENCE_MS, undefined, { ref: false }).then(() => Promise.reject(lost('no answer')))
    try {
      if (await Promise.race([beat(sql, job.id, now.stage, now.share), silence])) ending.abort(stopped())
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
      return connection.transaction('', async () => {
        const outcome = await work(sql)
        if (!(await finishJob(sql, job.id, resultOf(outcome)))) throw stopped()
        return outcome
      })
    },
    async abandon(error) {
      clearInterval(heart)
      const { code, message } = reasonOf(error)
      const state = code === 'TRAINING_STOPPED' ? 'stopped' : 'failed'
      const entered = abandonJob(sql, job.id, state, { code, message })
      await Promise.race([entered, delay(LAST_WORDS_MS, undefined, { ref: false })])
    },
    async release() {
      clearInterval(heart)
      await connection.close()
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
