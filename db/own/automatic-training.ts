import type { JSONValue, Sql, TransactionSql } from 'postgres'
import type { ModelKind } from './models.js'

/** How an automatic training ended. */
export interface AutomaticOutcome {
  readonly endedAt: string
  readonly outcome: 'activated' | 'kept' | 'not_enough_data' | 'stopped' | 'failed'
  /** Why there is no new active model, in a sentence; null if there is. */
  readonly reason: string | null
  /** The version that was stored. */
  readonly version: string | null
  /** Id of the run; null when none began. */
  readonly job: string | null
}

/** A model that is active, or that was reset. */
export interface ActiveChoice {
  readonly kind: ModelKind
  /** Null after a reset. */
  readonly version: string | null
  readonly changedAt: Date
}

/** What the next automatic training depends on. */
export interface AutomaticState {
  readonly attemptedAt: Date | null
  /** Of the last training that has ended. */
  readonly outcome: AutomaticOutcome | null
  readonly active: readonly ActiveChoice[]
}

export async function automaticState(sql: Sql): Promise<AutomaticState> {
  const [state] = await sql<{ attemptedAt: Date; outcome: AutomaticOutcome | null }[]>`
    select attempted_at as "attemptedAt", outcome from aegis_ml_automatic_training`
  const active = await sql<ActiveChoice[]>`
    select kind, version, changed_at as "changedAt" from aegis_ml_active_models`
  return { attemptedAt: state?.attemptedAt ?? null, outcome: state?.outcome ?? null, active: [...active] }
}

/**
 * Begins an attempt, unless another replica has begun one.
 * @param seen when the last one began that this replica knows of
 * @returns whether this replica has it
 */
export async function claimAttempt(sql: Sql, at: Date, seen: Date | null): Promise<boolean> {
  const { count } = await sql`insert into aegis_ml_automatic_training as known (attempted_at) values (${at})
    on conflict (single) do update set attempted_at = excluded.attempted_at
    where known.attempted_at is not distinct from ${seen}`
  return count === 1
}

/** Enters how the attempt that was begun last has ended. */
export async function endAttempt(sql: Sql | TransactionSql, outcome: AutomaticOutcome): Promise<void> {
  await sql`update aegis_ml_automatic_training set outcome = ${sql.json(outcome as unknown as JSONValue)}`
}
