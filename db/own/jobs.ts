import type { JSONValue, Sql, TransactionSql } from 'postgres'
import { endWhenSilent, LOCKS, MAX_SILENCE, tryLock } from '../lease.js'

export type JobState = 'running' | 'done' | 'failed' | 'stopped'

/** A training run, as any replica sees it. */
export interface TrainingJob {
  readonly id: string
  readonly state: JobState
  readonly stage: string
  /** Share of the run that is done, 0…1. */
  readonly share: number
  readonly request: unknown
  readonly stopRequested: boolean
  readonly startedAt: Date
  readonly endedAt: Date | null
  /** How long it has been running, by the clock of the database. */
  readonly elapsedSeconds: number
  readonly result: unknown
  readonly error: { readonly code: string; readonly message: string } | null
}

const KEPT_JOBS = 100

const columns = (sql: Sql | TransactionSql) => sql`id, state, stage, share, request,
  stop_requested as "stopRequested", started_at as "startedAt", ended_at as "endedAt",
  extract(epoch from coalesce(ended_at, clock_timestamp()) - started_at)::float8 as "elapsedSeconds",
  result, error`

/**
 * Takes the lock of all training runs. The connection holds it until it closes or is silent for too long.
 * @returns the backend process that holds the lock; undefined when another run has it
 */
export async function lockTraining(connection: Sql): Promise<number | undefined> {
  const backend = await tryLock(connection, LOCKS.training)
  if (backend !== undefined) await endWhenSilent(connection)
  return backend
}

/** Enters a run. The caller holds the lock of all runs: one that still counts as running has died. */
export async function startJob(sql: Sql, id: string, stage: string, request: object): Promise<TrainingJob> {
  return sql.begin(async (tx) => {
    await tx`${endLost(tx)} where state = 'running'`
    await tx`delete from aegis_ml_training_jobs where id not in (
      select id from aegis_ml_training_jobs order by started_at desc limit ${KEPT_JOBS - 1})`
    const [job] = await tx<[TrainingJob]>`insert into aegis_ml_training_jobs (id, stage, request)
      values (${id}, ${stage}, ${tx.json(request as JSONValue)}) returning ${columns(tx)}`
    return job
  })
}

/**
 * Says that a run lives, and how far it is.
 * @returns whether somebody has asked to stop it, and whether the connection is still the one with the lock
 */
export async function beat(
  connection: Sql,
  id: string,
  { stage, share, backend }: { stage: string; share: number; backend: number },
): Promise<{ stop: boolean; locked: boolean }> {
  const [row] = await connection<{ stop: boolean; locked: boolean }[]>`update aegis_ml_training_jobs
    set heartbeat_at = clock_timestamp(), stage = ${stage}, share = ${share}
    where id = ${id} and state = 'running'
    returning stop_requested as stop, pg_backend_pid() = ${backend} as locked`
  return row ?? { stop: true, locked: false }
}

/**
 * Ends a run well, unless it was asked to stop before.
 * @returns whether it has ended well
 */
export async function finishJob(tx: TransactionSql, id: string, result: object): Promise<boolean> {
  const { count } = await tx`update aegis_ml_training_jobs
    set state = 'done', stage = 'publishing', share = 1, ended_at = clock_timestamp(), result = ${tx.json(result as JSONValue)}
    where id = ${id} and state = 'running' and not stop_requested`
  return count === 1
}

/** Ends a run that has failed or was stopped. */
export async function abandonJob(
  sql: Sql,
  id: string,
  state: 'failed' | 'stopped',
  error: { code: string; message: string },
): Promise<void> {
  await sql`update aegis_ml_training_jobs
    set state = ${state}, ended_at = clock_timestamp(), error = ${sql.json(error)}
    where id = ${id} and state = 'running'`
}

/** A run; undefined when there is none of that name. */
export async function findJob(sql: Sql, id: string): Promise<TrainingJob | undefined> {
  await endSilent(sql)
  const [job] = await sql<TrainingJob[]>`
    select ${columns(sql)} from aegis_ml_training_jobs where id = ${id}`
  return job
}

/** The run that is under way on any replica. */
export async function runningJob(sql: Sql): Promise<TrainingJob | undefined> {
  await endSilent(sql)
  const [job] = await sql<TrainingJob[]>`
    select ${columns(sql)} from aegis_ml_training_jobs where state = 'running'
    order by started_at desc limit 1`
  return job
}

/** Asks a run to stop; one that has ended stays as it is. */
export async function requestStop(sql: Sql, id: string): Promise<void> {
  await sql`update aegis_ml_training_jobs set stop_requested = true where id = ${id} and state = 'running'`
}

async function endSilent(sql: Sql): Promise<void> {
  await sql`${endLost(sql)}
    where state = 'running' and heartbeat_at < clock_timestamp() - ${MAX_SILENCE}::interval`
}

const LOST = {
  code: 'SERVICE_LOST',
  message: 'The service that trained has ended in the middle of it. Train again.',
}

const endLost = (sql: Sql | TransactionSql) => sql`update aegis_ml_training_jobs
  set state = 'failed', ended_at = clock_timestamp(), error = ${sql.json(LOST)}`
