import { promisify } from 'node:util'
import { constants, gunzip, gunzipSync, gzipSync } from 'node:zlib'
import type { WatchModelContent } from '../../db/own/watch-models.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import { anomalyModelFromState, anomalyModelToState } from '../../models/anomaly/state.js'
import { watchModelFromState, watchModelToState } from '../../models/watch/state.js'
import type { WatchedEndpoint, WatchModel } from '../../models/watch/watch-model.js'

/** Endpoints that are read at a time: it takes a few milliseconds. */
const PART = 8

/** A watch model in the form in which it is stored. */
export function toContent(watch: WatchModel): WatchModelContent {
  const none = { ...watch, endpoints: new Map<string, WatchedEndpoint>() }
  return {
    gateway: packed(anomalyModelToState(watch.gateway)),
    head: packed(watchModelToState(none)),
    parts: partsOf(watch),
  }
}

function* partsOf(watch: WatchModel): Generator<Buffer> {
  const all = [...watch.endpoints]
  for (let start = 0; start < all.length; start += PART) {
    const part = { ...watch, endpoints: new Map(all.slice(start, start + PART)) }
    yield packed((watchModelToState(part) as { readonly endpoints: object }).endpoints)
  }
}

function packed(state: object): Buffer {
  return gzipSync(JSON.stringify(state), { level: constants.Z_BEST_SPEED })
}

const decompress = promisify(gunzip)

async function unpacked(bytes: Buffer): Promise<object> {
  return JSON.parse((await decompress(bytes, { maxOutputLength: MAX_BYTES })).toString()) as object
}

const MAX_BYTES = 256 * 1024 * 1024

/** @throws Error when another release stored it in another form */
export function gatewayOf(bytes: Buffer): AnomalyModel {
  return anomalyModelFromState(JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_BYTES }).toString()))
}

/**
 * The watch model of its stored form. Between two parts, other work is done.
 * @throws Error when another release stored it in another form
 */
export async function fromContent(
  { head, parts }: Pick<WatchModelContent, 'head' | 'parts'>,
  gateway: AnomalyModel,
  signal?: AbortSignal,
): Promise<WatchModel> {
  const shared = await unpacked(head)
  const watch = watchModelFromState(shared, gateway)
  const endpoints = new Map<string, WatchedEndpoint>()
  for await (const part of parts) {
    signal?.throwIfAborted()
    const some = watchModelFromState({ ...shared, endpoints: await unpacked(part) }, gateway)
    for (const [name, endpoint] of some.endpoints) endpoints.set(name, endpoint)
  }
  return { ...watch, endpoints }
}
