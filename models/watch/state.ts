import { mapFeatures, type PerFeature } from '../anomaly/features.js'
import type { AnomalyModel } from '../anomaly/model.js'
import { decodeFloat32, decodeInt32, encodeArray } from '../isolation-forest/base64.js'
import { forestFromState, forestToState } from '../isolation-forest/state.js'
import { rhythmOf } from './clock.js'
import type { WatchedEndpoint, WatchModel } from './watch-model.js'

/** The version of the stored form. */
const VERSION = 1

/**
 * A watch model as plain JSON, without the gateway's model. Arrays are base64 of 32-bit floats, to which they were
 * rounded by the fit, so that the model comes back bit for bit. An endpoint takes 15 to 60 kB.
 */
export function watchModelToState({ forest, threshold, typical, thresholds, endpoints }: WatchModel): object {
  return {
    type: 'watch-model',
    version: VERSION,
    forest: forestToState(forest),
    threshold,
    typical: encoded(typical),
    thresholds,
    endpoints: [...endpoints.values()].map(encoded),
  }
}

/**
 * The watch model of a state, for the gateway's model that it was fitted with.
 * @throws Error naming what is missing or wrong
 */
export function watchModelFromState(state: unknown, gateway: AnomalyModel): WatchModel {
  const fields = recordAt(state, 'model')
  if (fields['type'] !== 'watch-model' || fields['version'] !== VERSION) {
    throw new Error('This is no watch model of this release: train anew.')
  }
  const { threshold, endpoints } = fields
  if (typeof threshold !== 'number' || !Array.isArray(endpoints)) {
    throw new Error('threshold or endpoints are missing.')
  }
  const watched = endpoints.map((each) => endpointOf(decoded(each)))
  const typical = decoded(fields['typical']) as WatchModel['typical']
  mapFeatures((feature) => numberAt(recordAt(recordAt(typical, 'typical')[feature], feature), 'sigma'))
  return {
    gateway,
    forest: forestFromState(fields['forest']),
    threshold,
    typical,
    thresholds: recordAt(fields['thresholds'], 'thresholds') as unknown as WatchModel['thresholds'],
    endpoints: new Map(watched.map((each) => [each.endpoint, each])),
    rhythm: rhythmOf(gateway),
  }
}

/** Checks what would otherwise fail late; the rest is trusted, since a checksum covers it. */
function endpointOf(value: unknown): WatchedEndpoint {
  const fields = recordAt(value, 'endpoint')
  if (typeof fields['endpoint'] !== 'string') throw new Error('An endpoint has no name.')
  const expectations = recordAt(fields['expectations'], 'expectations') as PerFeature<unknown>
  mapFeatures((feature) => {
    const { usual, noise } = recordAt(expectations[feature], feature)
    recordAt(recordAt(usual, 'usual')['season'], 'season')
    numberAt(recordAt(noise, 'noise'), 'sigma')
  })
  numberAt(fields, 'minutes')
  recordAt(fields['thresholds'], 'thresholds')
  return value as WatchedEndpoint
}

function numberAt(fields: Record<string, unknown>, key: string): void {
  if (!Number.isFinite(fields[key])) throw new Error(`${key} is missing or not a finite number.`)
}

function recordAt(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new Error(`${name} is missing.`)
}

/** Arrays of which less than this share is not 0 are stored as places and values. */
const SPARSE = 0.4

/** The value with its arrays of numbers as text. */
function encoded(value: unknown): unknown {
  if (value instanceof Float64Array) return encodedArray(value)
  if (Array.isArray(value)) return value.map(encoded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, encoded(each)]))
}

function encodedArray(values: Float64Array): object {
  const places = [...values.keys()].filter((i) => values[i] !== 0)
  if (places.length >= SPARSE * values.length) return { float32: encodeArray(Float32Array.from(values)) }
  return {
    length: values.length,
    places: encodeArray(Int32Array.from(places)),
    float32: encodeArray(Float32Array.from(places, (i) => values[i]!)),
  }
}

function decoded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decoded)
  if (typeof value !== 'object' || value === null) return value
  const fields = value as Record<string, unknown>
  if (typeof fields['float32'] === 'string') return decodedArray(fields)
  return Object.fromEntries(Object.entries(fields).map(([key, each]) => [key, decoded(each)]))
}

const MAX_LENGTH = 100_000

function decodedArray({ float32, places, length }: Record<string, unknown>): Float64Array {
  const values = Float64Array.from(decodeFloat32(float32))
  if (places === undefined) return values
  if (!Number.isSafeInteger(length) || (length as number) < 0 || (length as number) > MAX_LENGTH) {
    throw new Error('An array has no length.')
  }
  const all = new Float64Array(length as number)
  decodeInt32(places).forEach((place, i) => {
    if (!(place >= 0 && place < all.length && i < values.length)) throw new Error('An array is damaged.')
    all[place] = values[i]!
  })
  return all
}
