import type { Sql, TransactionSql } from 'postgres'
import type { Log } from '../db/log.js'
import {
  activeModelVersion,
  enterTraining,
  flagActiveModel,
  modelArtifact,
  pruneModels,
  setActiveModel,
  storedVersions,
  storeModel,
  type ModelSummary,
  type StoredModel,
  type VersionRow,
} from '../db/queries/models.js'
import { decodeArtifact, encodeArtifact, type Artifact } from './model-artifact.js'
import type { ModelFiles } from './model-files.js'

const KIND = 'anomaly_detector'

/** Something found wrong with a version, as a sentence. */
type Report = (problem: string) => void

/** Where versions are kept: in the database, which is the truth, with a copy of each as a file of this replica. */
export class ModelStore {
  constructor(
    readonly sql: Sql,
    readonly files: ModelFiles,
    readonly log: Pick<Log, 'warn'>,
  ) {}

  /** The active version by the database: null after a reset, undefined when nothing was ever said. */
  active(sql: Sql | TransactionSql = this.sql): Promise<string | null | undefined> {
    return activeModelVersion(sql, KIND)
  }

  /** What the database holds, the newest first. */
  versions(sql: Sql | TransactionSql = this.sql): Promise<VersionRow[]> {
    return storedVersions(sql, KIND)
  }

  /** Enters a version, new or from a file, and makes it active, all in the transaction given. */
  async activate(tx: TransactionSql, artifact: Artifact, isNew: boolean): Promise<void> {
    const stored = toStored(artifact)
    await storeModel(tx, KIND, stored)
    if (isNew) {
      const { model } = artifact
      const problem = await enterTraining(tx, KIND, stored, {
        modelType: 'isolation_forest',
        path: this.files.pathOf(artifact.version),
        featureNames: Object.keys(model.baselines),
        baselines: model.baselines,
      })
      if (problem) this.log.warn({ err: problem }, 'the table ml_models does not take the training')
    }
    await this.choose(tx, artifact.version)
    await pruneModels(tx, KIND)
  }

  /** Makes a version that is in the database active, or none. */
  async choose(tx: TransactionSql, version: string | null): Promise<void> {
    await setActiveModel(tx, KIND, version)
    const problem = await flagActiveModel(tx, KIND, version)
    if (problem) this.log.warn({ err: problem }, 'the flags in the table ml_models cannot be set')
  }

  /**
   * A version by its file or, where that is missing or damaged, by the database; null when neither is whole. A damaged
   * file that the database makes up for is logged, no more: it is about to be mended.
   */
  async find(version: string, report: Report): Promise<Artifact | null> {
    const problems: string[] = []
    const found =
      (await this.findFile(version, (problem) => problems.push(problem))) ??
      (await this.#read(
        version,
        (problem) => problems.push(problem),
        `Model ${version} of the database`,
        () => modelArtifact(this.sql, KIND, version),
      ))
    if (!found) problems.forEach(report)
    return found
  }

  /** A version by its file alone. */
  findFile(version: string, report: Report): Promise<Artifact | null> {
    const what = `Model file ${this.files.pathOf(version)}`
    return this.#read(version, report, what, () => this.files.read(version))
  }

  /** Has a whole file of the version, and notes on the disk that it is the active one. */
  async keepFile(artifact: Artifact): Promise<void> {
    const { version } = artifact
    const ignore = () => undefined
    if (!(await this.findFile(version, ignore))) await this.files.write(version, encodeArtifact(artifact))
    await this.files.setActiveVersion(version)
    await this.files.prune(version)
  }

  async #read(
    version: string,
    report: Report,
    what: string,
    read: () => Promise<string | undefined>,
  ): Promise<Artifact | null> {
    try {
      const text = await read()
      if (text === undefined) return null
      const artifact = decodeArtifact(text)
      if (artifact.version !== version) throw new Error(`it holds version ${artifact.version}`)
      return artifact
    } catch (error) {
      const problem = `${what} cannot be used: ${(error as Error).message.replace(/\.$/, '')}.`
      this.log.warn({ err: error, version }, problem)
      report(problem)
      return null
    }
  }
}

/** @throws Error when the artifact could not be read again */
function toStored(artifact: Artifact): StoredModel {
  const text = encodeArtifact(artifact)
  decodeArtifact(text)
  const { version, trainedAt, training, model } = artifact
  const summary: ModelSummary = {
    trainedAt,
    samples: model.nSamples,
    source: training?.source ?? null,
    from: training?.from ?? null,
    to: training?.to ?? null,
    exclude: training?.exclude ?? [],
    durationSeconds: training?.durationSeconds ?? null,
    parameters: training?.parameters ?? {},
    metrics: training?.metrics ?? { score_threshold: model.threshold },
    sizeBytes: Buffer.byteLength(text),
  }
  return { version, artifact: text, summary }
}
