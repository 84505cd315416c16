import { createHash } from 'node:crypto'
import type { ModelKind } from '../../db/own/models.js'

/** What a model was trained on, and how. */
export interface TrainingRecord {
  /** The table of requests, or `synthetic`. */
  readonly source: string
  /** The time range of the samples; null where it is not known. */
  readonly from: string | null
  readonly to: string | null
  /** Intervals of the range that were left out. */
  readonly exclude: readonly { readonly from: string; readonly to: string }[]
  readonly durationSeconds: number
  readonly parameters: Readonly<Record<string, number>>
  readonly metrics: Readonly<Record<string, number>>
}

/** A trained model with its place in the order of versions. Immutable. */
export interface Artifact<M> {
  /** Time of training, as text that sorts in the order of time: 20260131T120000000Z. */
  readonly version: string
  readonly trainedAt: string
  /** Null in artifacts of schema version 1, which did not have it. */
  readonly training: TrainingRecord | null
  readonly model: M
}

/** How the models of a kind become text, and how text becomes a model. */
export interface ModelFormat<M> {
  readonly storedName: ModelKind
  toState(model: M): object
  /** @throws Error saying what is wrong */
  fromState(state: unknown): M
}

const SCHEMA_VERSION = 2
const READABLE_VERSIONS: readonly unknown[] = [1, SCHEMA_VERSION]

/** An artifact as text: JSON, with the SHA-256 of its payload. */
export function encodeArtifact<M>(
  { version, trainedAt, training, model }: Artifact<M>,
  kind: ModelFormat<M>,
): string {
  const payload = { version, trained_at: trainedAt, training, model: kind.toState(model) }
  const header = { format: 'aegis-ml-model', schema_version: SCHEMA_VERSION, kind: kind.storedName }
  return JSON.stringify({ ...header, sha256: checksum(payload), payload })
}

/**
 * The artifact in a text.
 * @throws Error saying what is wrong: not JSON, another schema version, a wrong checksum, an invalid model
 */
export function decodeArtifact<M>(text: string, kind: ModelFormat<M>): Artifact<M> {
  const file = parseJson(text) as {
    schema_version?: unknown
    kind?: unknown
    sha256?: unknown
    payload?: { version: string; trained_at: string; training?: TrainingRecord; model: unknown }
  }
  if (!READABLE_VERSIONS.includes(file.schema_version) || file.kind !== kind.storedName || !file.payload) {
    const found = `schema version ${String(file.schema_version)}`
    throw new Error(`it has ${found}; this service reads version ${SCHEMA_VERSION}, so train a new model`)
  }
  if (file.sha256 !== checksum(file.payload)) throw new Error('its checksum does not match its content')
  const { version, trained_at: trainedAt, training = null, model } = file.payload
  return { version, trainedAt, training, model: kind.fromState(model) }
}

/** The parser's own message quotes what it has read. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('it is not JSON')
  }
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

/** Whether a text is a version. */
export function isVersion(text: string): boolean {
  return versionOf(timeOf(text)) === text
}
