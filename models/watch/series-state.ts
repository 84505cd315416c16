import { GATEWAY, beginStream, type StreamState } from '../stream/stream-state.js'
import type { NewEndpoint } from './new-endpoint.js'

/** What is remembered of a series. Immutable, plain JSON. */
export interface SeriesState {
  readonly stream: StreamState
  /** The first abnormal minute of the open episode, ms since 1970; null outside one. */
  readonly onsetMs: number | null
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
const VERSION = 1

export function watchStatesToState({ gateway, endpoints }: WatchStates): object {
  return { version: VERSION, gateway, endpoints: [...endpoints] }
}

/**
 * The states from their stored form. It is trusted: only this service writes it.
 * @returns null when another release stored it in another form
 */
export function watchStatesFromState(stored: unknown): WatchStates | null {
  const { version, gateway, endpoints } = stored as {
    readonly version?: number
    readonly gateway: SeriesState
    readonly endpoints: readonly [string, SeriesState][]
  }
  return version === VERSION ? { gateway, endpoints: new Map(endpoints) } : null
}
