import type { JSONValue, PendingQuery, Row, Sql, TransactionSql } from 'postgres'
import { isRowRefused, isTableUnusable } from '../errors.js'
import { tableShape } from '../table-columns.js'
import { notify } from '../notifications.js'

/** What notifies of a change of what is active. */
export const ACTIVE_CHANNEL = 'aegis_ml_active_models'

/** Kinds of models that the service trains. */
export type ModelKind = 'anomaly_detector' | 'rate_optimizer'

/** What there is to tell of a version without opening its artifact. */
export interface ModelSummary {
  readonly trainedAt: string
  readonly samples: number
  /** What it learned from, with the range of that in time; null where it is not known. */
  readonly source: string | null
  readonly from: string | null
  readonly to: string | null
  readonly exclude: readonly { readonly from: string; readonly to: string }[]
  readonly durationSeconds: number | null
  readonly parameters: Readonly<Record<string, number>>
  readonly metrics: Readonly<Record<string, number>>
  readonly sizeBytes: number
}

export interface StoredModel {
  readonly version: string
  readonly artifact: string
  readonly summary: ModelSummary
}

export interface VersionRow extends ModelSummary {
  readonly version: string
  readonly active: boolean
  /** Whether the service trained it by itself. */
  readonly automatic: boolean
  /** Why it was not activated at its training; null if it was. */
  readonly refused: string | null
}

/** Versions kept beside the active one. */
const KEPT_VERSIONS = 20

/** Puts a version into the store, where it is not there yet. */
export async function storeModel(tx: TransactionSql, kind: ModelKind, model: StoredModel): Promise<void> {
  const { version, artifact, summary } = model
  await tx`insert into aegis_ml_models (kind, version, artifact, summary)
    values (${kind}, ${version}, ${artifact}, ${tx.json(summary as unknown as JSONValue)})
    on conflict (kind, version) do nothing`
}

/** What the gateway's own table ml_models tells of a training. */
export interface TrainingEntry {
  readonly modelType: string
  readonly path: string
  readonly featureNames: readonly string[]
  readonly baselines: object
}

/**
 * Enters a training into ml_models.
 * @returns the problem, when the gateway's table does not take it
 */
export async function enterTraining(
  tx: TransactionSql,
  kind: ModelKind,
  { version, summary }: StoredModel,
  { modelType, path, featureNames, baselines }: TrainingEntry,
): Promise<unknown> {
  const entry = {
    model_name: kind,
    model_type: modelType,
    version,
    trained_at: summary.trainedAt,
    training_samples: summary.samples,
    training_duration_seconds: summary.durationSeconds,
    parameters: tx.json(summary.parameters),
    metrics: tx.json(summary.metrics),
    feature_names: featureNames,
    feature_baselines: tx.json(baselines as JSONValue),
    model_path: path,
    model_size_bytes: summary.sizeBytes,
  }
  return orProblem(tx, async (savepoint) => {
    const { columns } = await tableShape(savepoint, 'ml_models')
    const names = Object.keys(entry).filter((name) => columns.has(name))
    await savepoint`insert into ml_models ${savepoint(entry as never, names as never)} on conflict do nothing`
  })
}

/** Undoes what the gateway's table does not take, and returns the problem. */
async function orProblem(
  tx: TransactionSql,
  work: (savepoint: TransactionSql) => Promise<unknown>,
): Promise<unknown> {
  try {
    await tx.savepoint(work)
    return undefined
  } catch (error) {
    if (isTableUnusable(error) || isRowRefused(error)) return error
    throw error
  }
}

/** Makes a stored version active, or none, and tells all replicas when the transaction commits. */
export async function setActiveModel(
  tx: TransactionSql,
  kind: ModelKind,
  version: string | null,
): Promise<void> {
  await tx`insert into aegis_ml_active_models (kind, version) values (${kind}, ${version})
    on conflict (kind) do update set version = excluded.version, changed_at = now()`
  await notify(tx, ACTIVE_CHANNEL, kind)
}

/** The flags of the gateway's table ml_models after a change. As enterTraining, it returns a problem. */
export async function flagActiveModel(
  tx: TransactionSql,
  kind: ModelKind,
  version: string | null,
): Promise<unknown> {
  return orProblem(tx, async (savepoint) => {
    const { columns } = await tableShape(savepoint, 'ml_models')
    const at = (time: PendingQuery<Row[]>) =>
      columns.has('deactivated_at') ? savepoint`, deactivated_at = ${time}` : savepoint``
    await savepoint`update ml_models set is_active = false ${at(savepoint`now()`)}
      where model_name = ${kind} and is_active and version is distinct from ${version}`
    await savepoint`update ml_models set is_active = true ${at(savepoint`null`)}
      where model_name = ${kind} and version = ${version} and not is_active`
  })
}

/** Removes all but the newest versions and the active one. */
export async function pruneModels(tx: TransactionSql, kind: ModelKind): Promise<void> {
  await tx`delete from aegis_ml_models where kind = ${kind}
    and version not in (
      select version from aegis_ml_models where kind = ${kind} order by version desc limit ${KEPT_VERSIONS})
    and version not in (
      select version from aegis_ml_active_models where kind = ${kind} and version is not null)`
}

/** The active version: null after a reset, undefined when nothing was ever said. */
export async function activeModelVersion(
  sql: Sql | TransactionSql,
  kind: ModelKind,
): Promise<string | null | undefined> {
  const [row] = await sql<{ version: string | null }[]>`
    select version from aegis_ml_active_models where kind = ${kind}`
  return row?.version
}

/** As activeModelVersion. Nobody changes a choice that was made until the transaction ends. */
export async function lockActiveModelVersion(
  tx: TransactionSql,
  kind: ModelKind,
): Promise<string | null | undefined> {
  const [row] = await tx<{ version: string | null }[]>`
    select version from aegis_ml_active_models where kind = ${kind} for update`
  return row?.version
}

/** The text of a version's artifact. */
export async function modelArtifact(sql: Sql, kind: ModelKind, version: string): Promise<string | undefined> {
  const [row] = await sql<{ artifact: string }[]>`
    select artifact from aegis_ml_models where kind = ${kind} and version = ${version}`
  return row?.artifact
}

/** What is stored, the newest first. */
export async function storedVersions(sql: Sql | TransactionSql, kind: ModelKind): Promise<VersionRow[]> {
  const rows = await sql<(Omit<VersionRow, keyof ModelSummary> & { summary: ModelSummary })[]>`
    select model.version, summary, active.version is not null as active,
      coalesce(compared.automatic, false) as automatic, compared.refused
    from aegis_ml_models model left join aegis_ml_active_models active using (kind, version)
      left join aegis_ml_model_comparisons compared using (kind, version)
    where kind = ${kind} order by model.version desc`
  return rows.map(({ summary, ...row }) => ({ ...summary, ...row }))
}
