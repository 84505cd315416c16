import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { anomalyModelFromState, anomalyModelToState } from '../models/anomaly/state.js'
import type { AnomalyModel } from '../models/anomaly/model.js'
import { replaceFile } from './atomic-file.js'

/** A trained model with its place in the order of versions. Immutable. */
export interface Artifact {
  /** Time of training, as text that sorts in the order of time: 20260131T120000000Z. */
  readonly version: string
  readonly trainedAt: string
  readonly model: AnomalyModel
}

const SCHEMA_VERSION = 1
const PREFIX = 'anomaly_detector-'
const VERSION_FILE = /^anomaly_detector-(\d{8}T\d{9}Z)\.json$/
const ACTIVE_FILE = 'active.json'
const KEPT_VERSIONS = 20

/** An artifact as the text of a file: JSON, with the SHA-256 of its payload. */
export function encodeArtifact({ version, trainedAt, model }: Artifact): string {
  const payload = { version, trained_at: trainedAt, model: anomalyModelToState(model) }
  const header = { format: 'aegis-ml-model', schema_version: SCHEMA_VERSION, kind: 'anomaly_detector' }
  return JSON.stringify({ ...header, sha256: checksum(payload), payload })
}

/**
 * The artifact in a file's text.
 * @throws Error saying what is wrong: not JSON, another schema version, a wrong checksum, an invalid model
 */
export function decodeArtifact(text: string): Artifact {
  const file = JSON.parse(text) as {
    schema_version?: unknown
    kind?: unknown
    sha256?: unknown
    payload?: { version: string; trained_at: string; model: unknown }
  }
  if (file.schema_version !== SCHEMA_VERSION || file.kind !== 'anomaly_detector' || !file.payload) {
    const found = `schema version ${String(file.schema_version)}`
    throw new Error(`it has ${found}; this service reads version ${SCHEMA_VERSION}, so train a new model`)
  }
  if (file.sha256 !== checksum(file.payload)) throw new Error('its checksum does not match its content')
  const { version, trained_at: trainedAt, model } = file.payload
  return { version, trainedAt, model: anomalyModelFromState(model) }
}

function checksum(payload: object): string {
  return createHash('sha256').update(JSON.stringify(payload)).digest('hex')
}

/** The time as a version; later than the newest one even if the clock went back. */
export function versionAfter(newest: string | undefined, time: Date): string {
  return versionOf(newest === undefined ? time.getTime() : Math.max(time.getTime(), timeOf(newest) + 1))!
}

/** None for what is no time, nor for one so late that none could follow. */
function versionOf(ms: number): string | undefined {
  return ms >= 0 && ms < LATEST_MS ? new Date(ms).toISOString().replace(/[-:.]/g, '') : undefined
}

const LATEST_MS = Date.UTC(9000, 0)

function timeOf(version: string): number {
  const parts = /^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)(\d{3}Z)$/
  return Date.parse(version.replace(parts, '$1-$2-$3:$4:$5.$6'))
}

/** The models on disk: a file for each version, and one that says which is active. */
export class ModelFiles {
  constructor(readonly folder: string) {}

  /** Versions on disk, the newest first; none when the folder is missing. */
  async versions(): Promise<string[]> {
    const names = await readdir(this.folder).catch(emptyWhenMissing)
    return names
      .map((name) => VERSION_FILE.exec(name)?.[1])
      .filter((version) => version !== undefined)
      .filter((version) => versionOf(timeOf(version)) === version)
      .sort()
      .reverse()
  }

  pathOf(version: string): string {
    return join(this.folder, `${PREFIX}${version}.json`)
  }

  async read(version: string): Promise<Artifact> {
    const artifact = decodeArtifact(await readFile(this.pathOf(version), 'utf8'))
    if (artifact.version !== version) throw new Error(`it holds version ${artifact.version}`)
    return artifact
  }

  async write(artifact: Artifact): Promise<void> {
    const text = encodeArtifact(artifact)
    decodeArtifact(text) // what could not be read again is not written
    await replaceFile(this.pathOf(artifact.version), (file) => file.writeFile(text))
  }

  /** The version to be active: undefined when that was never said, null after a reset. */
  async activeVersion(): Promise<string | null | undefined> {
    try {
      const { anomaly_detector: version } = JSON.parse(
        await readFile(join(this.folder, ACTIVE_FILE), 'utf8'),
      ) as { anomaly_detector?: unknown }
      return typeof version === 'string' || version === null ? version : undefined
    } catch {
      return undefined // missing or damaged: the newest version is the next best answer
    }
  }

  async setActiveVersion(version: string | null): Promise<void> {
    const text = `${JSON.stringify({ anomaly_detector: version })}\n`
    await replaceFile(join(this.folder, ACTIVE_FILE), (file) => file.writeFile(text))
  }

  /** Removes all but the newest versions and the active one. */
  async prune(active: string): Promise<void> {
    const versions = await this.versions()
    const old = versions.slice(KEPT_VERSIONS).filter((version) => version !== active)
    await Promise.all(old.map((version) => rm(this.pathOf(version), { force: true })))
  }
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
