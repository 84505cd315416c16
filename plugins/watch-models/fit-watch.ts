import type { Sql } from 'postgres'
import { incidentMinutes } from '../../db/own/incident-minutes.js'
import { busiestEndpoints, type BusyEndpoint } from '../../db/traffic/endpoint-histories.js'
import { minuteFigures } from '../../db/traffic/rollups.js'
import { regularHistory } from '../../models/anomaly/regular-history.js'
import { calibrateWatch, endpointsToReplay, type ReplayedEndpoint } from '../../models/watch/calibrate.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { EndpointFit } from '../../models/watch/fit-endpoint.js'
import {
  assembleWatch,
  withEndpoints,
  type WatchedEndpoint,
  type WatchModel,
} from '../../models/watch/watch-model.js'
import { QUERY_GRACE_MS, runWorker } from '../workers/run-worker.js'
import { fromFailure } from '../workers/worker-failure.js'
import type { PartOutcome } from './part-worker.js'
import { workOnPart, type FittedRange, type Part, type PartResult, type PartTask } from './part.js'

export interface WatchFit extends FittedRange {
  /** Times that are not learned from. */
  readonly exclude: readonly { readonly from: Date; readonly to: Date }[]
  readonly contamination: number
  /** The highest threshold on −s(x, n), −1…0. */
  readonly anomalyThreshold: number
  /** False alarms a week of all endpoints together. */
  readonly alarmBudget: number
}

/** Endpoints that are watched: the busiest. */
const MAX_WATCHED = 1_000

/** Fixed, so that the same minutes make the same model. */
const SEED = 1

/** With fewer endpoints, a second thread costs more than it saves. */
const MIN_SHARED = 12

const FIT_SHARE = 0.7

/**
 * Fits the models of the busiest endpoints of a range, in this thread and one more.
 * @returns null when the range has no minute with requests
 */
export async function fitWatch(
  sql: Sql,
  task: WatchFit,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<WatchModel | null> {
  const part = await partOf(sql, task, signal)
  if (part === null) return null
  const { gateway, effects, contamination, anomalyThreshold, alarmBudget } = task
  const endpoints = await busiestEndpoints(sql, task.table, task, MAX_WATCHED)
  const { fits } = await inTwo(sql, { ...part, endpoints, replayedBy: null }, signal, (share) =>
    onProgress(FIT_SHARE * share),
  )
  const options = { effects, contamination, anomalyThreshold, seed: SEED }
  const watch = assembleWatch(gateway, inOrder(endpoints, fits), options)
  const chosen = new Set(endpointsToReplay(watch))
  const replayed = endpoints.filter(({ endpoint }) => chosen.has(endpoint))
  const replayedBy = { ...watch, endpoints: new Map<string, WatchedEndpoint>() }
  const { replays } = await inTwo(sql, { ...part, endpoints: replayed, replayedBy }, signal, (share) =>
    onProgress(FIT_SHARE + (1 - FIT_SHARE) * share),
  )
  return calibrateWatch(watch, inOrder(replayed, replays), alarmBudget)
}

/** Endpoints that are younger are fitted again and again, so that they learn their own rhythm. */
const YOUNG_MS = 7 * DAY_MS

/**
 * The model with the endpoints fitted again that are younger than a week at the end of the range.
 * @returns null when there is none
 */
export async function refitWatch(
  sql: Sql,
  watch: WatchModel,
  task: WatchFit,
  signal: AbortSignal,
): Promise<WatchModel | null> {
  const since = new Date(task.to.getTime() - YOUNG_MS)
  const young = await busiestEndpoints(sql, task.table, task, MAX_WATCHED, since)
  const isNew = ({ endpoint }: BusyEndpoint) => !watch.endpoints.has(endpoint)
  const added = new Set(young.filter(isNew).slice(0, Math.max(0, MAX_WATCHED - watch.endpoints.size)))
  const endpoints = young.filter((each) => !isNew(each) || added.has(each))
  if (endpoints.length === 0) return null
  const part = await partOf(sql, task, signal)
  if (part === null) return null
  const { fits } = await inTwo(sql, { ...part, endpoints, replayedBy: null }, signal, () => undefined)
  return withEndpoints(watch, inOrder(endpoints, fits))
}

/** What is known of the whole gateway; null when nothing is. */
async function partOf(
  sql: Sql,
  task: WatchFit,
  signal: AbortSignal,
): Promise<Omit<Part, 'endpoints'> | null> {
  const { connection, table, from, to, gateway, effects } = task
  const figures = await minuteFigures(sql, table, { from, to }, signal)
  if (figures.timesMs.length === 0) return null
  const exclude = [...task.exclude, ...(await incidentMinutes(sql, { from, to }))]
  const knownMs = regularHistory(figures).timesMs.filter(
    (timeMs) =>
      !exclude.some((each) => timeMs < each.to.getTime() && timeMs + MINUTE_MS > each.from.getTime()),
  )
  return knownMs.length === 0 ? null : { connection, table, from, to, gateway, effects, knownMs }
}

/** Every other endpoint in a thread of its own, so that both have as many requests. */
async function inTwo(
  sql: Sql,
  task: PartTask,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<PartResult> {
  if (task.endpoints.length < MIN_SHARED) return workOnPart(sql, task, signal, onProgress)
  const half = (rest: number) => ({ ...task, endpoints: task.endpoints.filter((_, i) => i % 2 === rest) })
  const shares = [0, 0]
  const told = (index: number) => (share: number) => {
    shares[index] = share
    onProgress((shares[0]! + shares[1]!) / 2)
  }
  // Who fails stops the other one.
  const failing = new AbortController()
  const together = AbortSignal.any([signal, failing.signal])
  const fail = (error: unknown): never => {
    failing.abort(error)
    throw error
  }
  const options = { signal: together, graceMs: QUERY_GRACE_MS, onProgress: told(1) }
  const [own, other] = await Promise.all([
    workOnPart(sql, half(0), together, told(0)).catch(fail),
    runWorker<PartOutcome>('watch-models/part-worker', half(1), options)
      .then((outcome) => {
        if ('failed' in outcome) throw fromFailure(outcome, task.table)
        return outcome
      })
      .catch(fail),
  ])
  return { fits: [...own.fits, ...other.fits], replays: [...own.replays, ...other.replays] }
}

/** The results in the order of the endpoints, however they were shared out. */
function inOrder<T extends EndpointFit | ReplayedEndpoint>(
  endpoints: readonly BusyEndpoint[],
  results: readonly T[],
): T[] {
  const byName = new Map(results.map((result) => [result.endpoint, result]))
  return endpoints.flatMap(({ endpoint }) => byName.get(endpoint) ?? [])
}
