import type { Sql, TransactionSql } from 'postgres'
import { activeModelVersion, lockActiveModelVersion } from '../../db/own/models.js'
import { storeComparison } from '../../db/own/model-comparisons.js'
import { MODEL_NAMES, storedName, type ModelName, type StoredModels } from '../model-registry.js'
import type { Learned, Refusals } from './result.js'

/** The active versions at the beginning of a run: null after a reset, undefined where nothing was ever active. */
export type Versions = Readonly<Record<ModelName, string | null | undefined>>

export async function activeVersions(sql: Sql): Promise<Versions> {
  const found: [ModelName, string | null | undefined][] = []
  for (const name of MODEL_NAMES) found.push([name, await activeModelVersion(sql, storedName(name))])
  return Object.fromEntries(found) as Versions
}

/**
 * Decides about the models of an automatic training, in the transaction that stores them. A new detector must not be worse
 * than the active one, and what a person has chosen during the run stays.
 */
export async function refusalsOf(
  tx: TransactionSql,
  before: Versions,
  { detector }: Learned,
): Promise<Refusals> {
  const refusals = new Map<ModelName, string>()
  const objections = detector?.comparison?.objections ?? []
  if (objections.length > 0) refusals.set('anomaly', objections.join(' '))
  for (const name of MODEL_NAMES) {
    const now = await lockActiveModelVersion(tx, storedName(name))
    if (now !== before[name]) refusals.set(name, 'Somebody changed the active version during the training.')
  }
  return refusals
}

/** Enters how the new models came about, and how the new detector compares with the active one. */
export async function enterComparison(
  tx: TransactionSql,
  stored: StoredModels,
  { detector }: Learned,
  { automatic, refusals }: { readonly automatic: boolean; readonly refusals: Refusals },
): Promise<void> {
  for (const name of MODEL_NAMES) {
    const model = stored[name]
    if (!model) continue
    const refused = refusals.get(name) ?? null
    const comparison = name === 'anomaly' ? (detector?.comparison ?? null) : null
    const entry = { activated: refused === null, automatic, refused, comparison }
    await storeComparison(tx, storedName(name), model.version, entry)
  }
}

/** The models that become active. */
export function activated({ anomaly, optimizer }: StoredModels, refusals: Refusals): StoredModels {
  return {
    anomaly: refusals.has('anomaly') ? null : anomaly,
    optimizer: refusals.has('optimizer') ? null : optimizer,
  }
}
