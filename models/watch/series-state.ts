import { GATEWAY, beginStream, type StreamState } from '../stream/stream-state.js'
import type { NewEndpoint } from './new-endpoint.js'

/** What is remembered of a series. Immutable, plain JSON. */
export interface SeriesState {
  readonly stream: StreamState
  /** The first abnormal minute of the open episode, ms since 1970; null outside one. */
  readonly onsetMs: number | null
  /** Whether the open episode is explained: that of the gateway by its endpoints, that of an endpoint by the gateway. */
  readonly isExplained?: boolean
  /** What is known of an endpoint that the model does not have; null of others. */
  readonly fresh: NewEndpoint | null
}

/** The states of all series. */
export interface WatchStates {
  readonly gateway: SeriesState
  readonly endpoints: ReadonlyMap<string, SeriesState>
}

/** The state of a series before its first minute. Its model has learned it, so that it is judged at once. */
export function beginSeries(knowsDay: boolean, fresh: NewEndpoint | null = null): SeriesState {
  return { stream: beginStream(GATEWAY, knowsDay), onsetMs: null, fresh }
}

export function beginWatch(knowsDay: boolean): WatchStates {
  return { gateway: beginSeries(knowsDay), endpoints: new Map() }
}

/** The version of the stored form. */
const VERSION = 2

/**
 * The states as lines of JSON: the version and the gateway, then an endpoint in each line.
 * @yields after each line
 */
export function* encodeStates({ gateway, endpoints }: WatchStates): Generator<undefined, string> {
  const lines = [JSON.stringify({ version: VERSION, gateway })]
  for (const each of endpoints) {
    lines.push(JSON.stringify(each))
    yield
  }
  return lines.join('\n')
}

/**
 * The states from their stored form. It is trusted: only this service writes it.
 * @yields after each line
 * @returns null when another release stored it in another form
 */
export function* decodeStates(stored: string): Generator<undefined, WatchStates | null> {
  const [first = '', ...others] = stored.split('\n')
  const { version, gateway } = JSON.parse(first) as {
    readonly version?: number
    readonly gateway: SeriesState
  }
  if (version !== VERSION) return null
  const endpoints = new Map<string, SeriesState>()
  for (const line of others) {
    const [name, state] = JSON.parse(line) as [string, SeriesState]
    endpoints.set(name, state)
    yield
  }
  return { gateway, endpoints }
}
