import { basename } from 'node:path'
import type { Sql, TransactionSql } from 'postgres'
import { reasonWithoutPath } from '../../db/files.js'
import type { Log } from '../../db/log.js'
import {
  activeModelVersion,
  enterTraining,
  flagActiveModel,
  lockActiveModelVersion,
  modelArtifact,
  pruneModels,
  setActiveModel,
  storedVersions,
  storeModel,
  type ModelSummary,
  type StoredModel,
  type VersionRow,
} from '../../db/own/models.js'
import { decodeArtifact, encodeArtifact, type Artifact } from './artifact.js'
import type { ModelFiles } from './files.js'
import type { Kind } from './kinds.js'

/** Takes what is wrong with a version, as a sentence. */
type Report = (problem: string) => void

/** A kind of model without its use. */
type StoredKind<M> = Omit<Kind<M, never>, 'prepare' | 'release' | 'logFields'>

/** The versions of a kind. The database decides; this replica has a copy of each as a file. */
export class ModelStore<M> {
  constructor(
    readonly sql: Sql,
    readonly files: ModelFiles,
    readonly log: Pick<Log, 'warn'>,
    readonly kind: StoredKind<M>,
  ) {}

  /** The active version of the database: null after a reset, undefined when none was ever set. */
  active(sql: Sql | TransactionSql = this.sql): Promise<string | null | undefined> {
    return activeModelVersion(sql, this.kind.storedName)
  }

  /** What the database holds, the newest first. */
  versions(sql: Sql | TransactionSql = this.sql): Promise<VersionRow[]> {
    return storedVersions(sql, this.kind.storedName)
  }

  /** Enters a version, new or from a file, and makes it active, all in the transaction given. */
  async activate(tx: TransactionSql, artifact: Artifact<M>, isNew: boolean): Promise<void> {
    if (isNew) await this.#enter(tx, artifact)
    else await storeModel(tx, this.kind.storedName, toStored(artifact, this.kind))
    await this.choose(tx, artifact.version)
    await pruneModels(tx, this.kind.storedName)
  }

  /** Enters a new version in the transaction given. The active one stays. */
  async keep(tx: TransactionSql, artifact: Artifact<M>): Promise<void> {
    await this.#enter(tx, artifact)
    await pruneModels(tx, this.kind.storedName)
  }

  async #enter(tx: TransactionSql, artifact: Artifact<M>): Promise<void> {
    const stored = toStored(artifact, this.kind)
    await storeModel(tx, this.kind.storedName, stored)
    const { model } = artifact
    const problem = await enterTraining(tx, this.kind.storedName, stored, {
      modelType: this.kind.type,
      path: this.files.pathOf(artifact.version),
      featureNames: this.kind.featureNames(model),
      baselines: this.kind.baselines(model),
    })
    if (problem) this.log.warn({ err: problem }, 'the table ml_models does not take the training')
  }

  /** Makes a version that is in the database active, or none. */
  async choose(tx: TransactionSql, version: string | null): Promise<void> {
    await setActiveModel(tx, this.kind.storedName, version)
    const problem = await flagActiveModel(tx, this.kind.storedName, version)
    if (problem) this.log.warn({ err: problem }, 'the flags in the table ml_models cannot be set')
  }

  /**
   * Makes a local choice the one of the database, where the database still has what the choice was made over.
   * @param artifact of the chosen version; null for a reset
   */
  async push(artifact: Artifact<M> | null, over: string | null | undefined): Promise<boolean> {
    return this.sql.begin(async (tx) => {
      if ((await lockActiveModelVersion(tx, this.kind.storedName)) !== over) return false
      if (artifact === null) await this.choose(tx, null)
      else {
        const stored = await this.versions(tx)
        const isNew = stored.every(({ version }) => version !== artifact.version)
        await this.activate(tx, artifact, isNew)
      }
      return true
    })
  }

  /**
   * A version from its file or, where that is missing or damaged, from the database; null when neither is whole. A
   * damaged file is only logged when the database has the version: the file is then written again.
   */
  async find(version: string, report: Report): Promise<Artifact<M> | null> {
    const problems: string[] = []
    const note = (problem: string) => void problems.push(problem)
    const shared = () => modelArtifact(this.sql, this.kind.storedName, version)
    const found =
      (await this.findFile(version, note)) ??
      (await this.#read(version, note, `Model ${version} of the database`, shared))
    if (!found) problems.forEach(report)
    return found
  }

  /** A version from its file alone. */
  findFile(version: string, report: Report): Promise<Artifact<M> | null> {
    const what = `Model file ${basename(this.files.pathOf(version))}`
    return this.#read(version, report, what, () => this.files.read(version))
  }

  /** Makes sure that the version has a whole file, and names it on the disk as the active one. */
  async keepFile(artifact: Artifact<M>): Promise<void> {
    await this.#writeFile(artifact)
    await this.files.setActiveVersion(artifact.version)
    await this.files.prune(artifact.version)
  }

  /** As keepFile, for a choice that the database does not know yet. */
  async keepLocalFile(artifact: Artifact<M>): Promise<void> {
    await this.#writeFile(artifact)
    await this.files.chooseLocally(artifact.version)
    await this.files.prune(artifact.version)
  }

  async #writeFile(artifact: Artifact<M>): Promise<void> {
    if (await this.findFile(artifact.version, () => undefined)) return
    await this.files.write(artifact.version, encodeArtifact(artifact, this.kind))
  }

  async #read(
    version: string,
    report: Report,
    what: string,
    read: () => Promise<string | undefined>,
  ): Promise<Artifact<M> | null> {
    try {
      const text = await read()
      if (text === undefined) return null
      const artifact = decodeArtifact(text, this.kind)
      if (artifact.version !== version) throw new Error(`it holds version ${artifact.version}`)
      return artifact
    } catch (error) {
      const problem = `${what} cannot be used: ${reasonWithoutPath(error).replace(/\.$/, '')}.`
      this.log.warn({ err: error, version }, problem)
      report(problem)
      return null
    }
  }
}

/** @throws Error when the artifact could not be read again */
function toStored<M>(artifact: Artifact<M>, kind: StoredKind<M>): StoredModel {
  const text = encodeArtifact(artifact, kind)
  decodeArtifact(text, kind)
  const { version, trainedAt, training, model } = artifact
  const summary: ModelSummary = {
    trainedAt,
    samples: kind.samples(model),
    source: training?.source ?? null,
    from: training?.from ?? null,
    to: training?.to ?? null,
    exclude: training?.exclude ?? [],
    durationSeconds: training?.durationSeconds ?? null,
    parameters: training?.parameters ?? {},
    metrics: training?.metrics ?? kind.metrics(model),
    sizeBytes: Buffer.byteLength(text),
  }
  return { version, artifact: text, summary }
}
