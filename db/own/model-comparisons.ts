import type { JSONValue, Sql, TransactionSql } from 'postgres'
import type { Comparison } from '../../models/stream/comparison/comparison.js'
import type { ModelKind } from './models.js'

/** How the training of a version ended. */
export interface TrainedVersion {
  readonly activated: boolean
  readonly automatic: boolean
  /** Why it was not activated; null if it was. */
  readonly refused: string | null
  /** Null when there was nothing to compare it with. */
  readonly comparison: Comparison | null
}

/** Enters how a version compares, in the transaction that stores it. It is removed together with the version. */
export async function storeComparison(
  tx: TransactionSql,
  kind: ModelKind,
  version: string,
  { activated, automatic, refused, comparison }: TrainedVersion,
): Promise<void> {
  const json = comparison && tx.json(comparison as unknown as JSONValue)
  await tx`insert into aegis_ml_model_comparisons (kind, version, activated, automatic, refused, comparison)
    values (${kind}, ${version}, ${activated}, ${automatic}, ${refused}, ${json})`
}

/** Undefined for a version that is not stored; null for one that was stored without a comparison. */
export async function findComparison(
  sql: Sql,
  kind: ModelKind,
  version: string,
): Promise<TrainedVersion | null | undefined> {
  const [row] = await sql<{ found: TrainedVersion | null }[]>`
    select case when compared.version is not null then jsonb_build_object('activated', activated,
      'automatic', automatic, 'refused', refused, 'comparison', comparison) end as found
    from aegis_ml_models model left join aegis_ml_model_comparisons compared using (kind, version)
    where kind = ${kind} and version = ${version}`
  return row?.found
}
