import { parentPort } from 'node:worker_threads'
import type { Sql } from 'postgres'
import { inSlices } from '../../db/in-slices.js'
import { feedbackSince, toFeedback } from '../../db/own/feedback.js'
import { watchModelHead, watchModelParts } from '../../db/own/watch-models.js'
import { openPool, type Connection } from '../../db/pool.js'
import { roundsOf } from '../../db/traffic/rounds.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { CalendarEntry } from '../../models/anomaly/calendar.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import type { History } from '../../models/anomaly/regular-history.js'
import { indexFeedback, ofAllTimes, type FeedbackIndex } from '../../models/incidents/feedback.js'
import type { Incident } from '../../models/incidents/incident.js'
import { beginRoundScan, scanRound } from '../../models/incidents/scan-rounds.js'
import { scanHistory } from '../../models/incidents/scan.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import { DAY_MS, HOUR_MS } from '../../models/traffic/durations.js'
import type { WatchModel } from '../../models/watch/watch-model.js'
import type { RangeWatch } from '../watch-models.js'
import { fromContent } from '../watch-models/content.js'
import { detectorOf } from '../watch-models/detector.js'
import { fitWatch, refitWatch } from '../watch-models/fit-watch.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerFailure } from '../workers/worker-failure.js'

interface Judging {
  readonly fromMs: number
  readonly model: AnomalyModel
  readonly modelVersion: string
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
}

/** The history of a gateway alone, and what it is judged by. */
export interface HistoryTask extends Judging {
  readonly history: History
}

/** The minutes of a gateway and its endpoints in the rollups, and what they are judged by. */
export interface RoundsTask extends Judging {
  readonly connection: Connection
  readonly table: TrafficTable
  /** The first round, and the end of the last. */
  readonly range: { readonly from: Date; readonly to: Date }
  readonly watch: RangeWatch
}

export type ScanTask = HistoryTask | RoundsTask

export type ScanOutcome = { readonly incidents: readonly Incident[] } | WorkerFailure

/** Rows between two messages about the progress. */
const ROWS = 500
const ROUNDS = 60

async function scan(task: ScanTask, signal: AbortSignal): Promise<ScanOutcome> {
  if ('watch' in task) return { incidents: await scanRounds(task, signal) }
  const { history, fromMs, model, ...rest } = task
  const engine = createKernelEngine(model.forest)
  const detector = { ...rest, model, score: (matrix: Float64Array) => engine.score(matrix) }
  const steps = told(scanHistory(history, detector, fromMs), ROWS)
  return { incidents: await inSlices(steps, signal) }
}

/** Share of the work that it is to fit the endpoints first. */
const FIT_SHARE = 0.5

async function scanRounds(task: RoundsTask, signal: AbortSignal): Promise<Incident[]> {
  const { connection, table, range, watch, modelVersion, effects, calendar, fromMs } = task
  const sql = openPool(connection, { max: 2 })
  try {
    const begin = watch.id === null ? FIT_SHARE : 0
    const fitted = await watchOf(sql, task, signal, (share) => tell(begin * share))
    if (fitted === null) return []
    let detector = detectorOf(fitted, modelVersion, effects, calendar)
    let refitMs = nextRefit(Math.max(watch.fit.to.getTime(), range.from.getTime()))
    let state = beginRoundScan(detector, await feedbackOfToday(sql, task.model.timeZone))
    let rounds = 0
    const lengthMs = range.to.getTime() - range.from.getTime()
    for await (const round of roundsOf(sql, table, range, signal)) {
      if (round.timeMs >= refitMs) {
        const to = new Date(round.timeMs)
        const fit = { ...watch.fit, from: new Date(round.timeMs - HISTORY_MS), to }
        const again = await refitWatch(sql, detector.watch, fit, signal)
        if (again !== null) detector = { ...detector, watch: again }
        refitMs = nextRefit(round.timeMs)
      }
      state = await inSlices(scanRound(state, round, detector, round.timeMs >= fromMs), signal)
      const done = (round.timeMs - range.from.getTime()) / lengthMs
      if (++rounds % ROUNDS === 0) tell(begin + (1 - begin) * done)
    }
    return [...state.found.values()]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** The past is judged as it would be judged today. */
async function feedbackOfToday(sql: Sql, timeZone: string): Promise<FeedbackIndex> {
  const now = new Date()
  const feedback = (await feedbackSince(sql, now)).map(toFeedback)
  return indexFeedback(ofAllTimes(feedback, now.getTime()), timeZone)
}

/** Young endpoints are fitted again where the rounds go beyond the fit, so that they are not judged by their first hours. */
const REFIT_MS = DAY_MS
const HISTORY_MS = 14 * DAY_MS

/** At a full hour. */
const nextRefit = (timeMs: number) => Math.ceil((timeMs + REFIT_MS) / HOUR_MS) * HOUR_MS

/** The stored model, or one that is fitted for this scan alone. */
async function watchOf(
  sql: Sql,
  { watch, model }: RoundsTask,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<WatchModel | null> {
  const { id, fit } = watch
  if (id === null) return fitWatch(sql, fit, signal, onProgress)
  const content = await watchModelHead(sql, id)
  if (content === undefined) throw new Error('A newer watch model has displaced that of the scan. Try again.')
  return fromContent({ ...content, parts: watchModelParts(sql, id) }, model, signal)
}

function tell(progress: number): void {
  parentPort!.postMessage({ progress })
}

/** Tells the other side how far it is, now and then. */
function* told<T>(steps: Generator<number, T>, every: number): Generator<number, T> {
  for (let count = 1; ; count++) {
    const step = steps.next()
    if (step.done) return step.value
    if (count % every === 0) tell(step.value)
    yield step.value
  }
}

await answerTask(scan, 'The scan was stopped.')
