import { setImmediate as others } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Connection } from '../../db/pool.js'
import { markedEndpointRanges } from '../../db/own/real-incidents.js'
import { endpointHistories, type BusyEndpoint } from '../../db/traffic/endpoint-histories.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import { replayEndpoint, type ReplayedEndpoint } from '../../models/watch/calibrate.js'
import { clockOf } from '../../models/watch/clock.js'
import { fitEndpoint, type EndpointFit } from '../../models/watch/fit-endpoint.js'
import type { EndpointHistory } from '../../models/watch/history.js'
import type { WatchModel } from '../../models/watch/watch-model.js'

/** What is learned from, and what is known of the whole gateway. */
export interface FittedRange {
  readonly connection: Connection
  readonly table: TrafficTable
  /** Whole minutes. The rollups are up to date. */
  readonly from: Date
  readonly to: Date
  readonly gateway: AnomalyModel
  readonly effects: LeastEffects
}

/** Some endpoints to be fitted or replayed. */
export interface Part extends FittedRange {
  /** The minutes whose traffic is known, ms since 1970. */
  readonly knownMs: Float64Array
  readonly endpoints: readonly BusyEndpoint[]
}

/** A part to be fitted, or to be replayed by a model, which needs no endpoints. */
export type PartTask = Part & { readonly replayedBy: WatchModel | null }

export interface PartResult {
  readonly fits: readonly EndpointFit[]
  readonly replays: readonly ReplayedEndpoint[]
}

/** Reads the endpoints of a part one after another, and fits or replays each. */
export async function workOnPart(
  sql: Sql,
  part: PartTask,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<PartResult> {
  const { gateway, knownMs, replayedBy: watch, effects, endpoints } = part
  const clock = clockOf(gateway, knownMs)
  if (watch === null) {
    const fits = await eachHistory(sql, part, signal, onProgress, (history) => fitEndpoint(clock, history))
    return { fits, replays: [] }
  }
  const engine = createKernelEngine(watch.forest)
  const replay = (history: EndpointHistory) =>
    replayEndpoint(watch, clock, history, effects, (matrix) => engine.score(matrix))
  return {
    fits: [],
    replays: endpoints.length === 0 ? [] : await eachHistory(sql, part, signal, onProgress, replay),
  }
}

async function eachHistory<T>(
  sql: Sql,
  { table, from, to, endpoints }: Part,
  signal: AbortSignal,
  onProgress: (share: number) => void,
  of: (history: EndpointHistory) => T,
): Promise<T[]> {
  const marked = await markedEndpointRanges(sql, { from, to })
  const results: T[] = []
  for await (const history of endpointHistories(sql, table, { from, to }, endpoints, signal)) {
    await others() // a message may ask to stop
    signal.throwIfAborted()
    const leftOut = (marked.get(history.endpoint) ?? []).map((each) => ({
      fromMs: each.from.getTime(),
      toMs: each.to.getTime(),
    }))
    results.push(of(leftOut.length === 0 ? history : { ...history, leftOut }))
    onProgress(results.length / endpoints.length)
  }
  return results
}
