import type { Sql } from 'postgres'
import { isTableUnusable } from '../../db/errors.js'
import { inSlices, mapSteps } from '../../db/in-slices.js'
import { watchedSteps, type Band, type WatchedStep } from '../../db/own/watched-minutes.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { rolledUpTo, trafficSteps, type TrafficStep } from '../../db/traffic/timeline.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import { expectedBand, UNKNOWN_BAND } from '../../models/anomaly/expected-band.js'
import { FEATURES, type Interval } from '../../models/anomaly/features.js'
import { measure } from '../../models/anomaly/measure.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import type { AnomalyType, Severity } from '../../models/anomaly/verdict.js'
import type { Series } from '../../models/incidents/series-minute.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { invalidField } from '../http/errors.js'
import { FIRST_TIME_MS, LAST_TIME_MS, parseTime } from '../http/validation.js'

/** The steps that a timeline may have, in seconds, by their names. */
export const STEPS = { '1m': 60, '5m': 300, '15m': 900, '1h': 3600, '6h': 21_600, '1d': 86_400 } as const
export type Step = keyof typeof STEPS

const MAX_POINTS = 2_000

export interface TimelineRequest {
  readonly source?: string | undefined
  readonly endpoint?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly step?: Step | undefined
}

/** A step of a series. Lists are in the order of FEATURES; null where not known. */
export interface TimelinePoint {
  readonly timeMs: number
  readonly values: Band
  readonly expected: Band
  readonly lower: Band
  readonly upper: Band
  /** Null where the step was not judged. */
  readonly verdict: {
    readonly anomaly: boolean
    readonly type: AnomalyType | null
    readonly severity: Severity | null
  } | null
}

export interface TimelineRange {
  readonly from: Date
  readonly to: Date
  readonly stepSeconds: number
}

const DEFAULT_MS = DAY_MS

/**
 * The range of a timeline in whole steps. Without a step it has the finest one that gives at most 2,000 points.
 * @throws ServiceError INVALID_REQUEST
 */
export function timelineRange({ from, to, step }: TimelineRequest, nowMs: number): TimelineRange {
  const end = to === undefined ? nowMs : parseTime(to)! // the schema has checked its form
  const start = from === undefined ? end - DEFAULT_MS : parseTime(from)!
  if (start >= end) throw invalidField('from', `is ${iso(start)}; allowed is a time before to, ${iso(end)}`)
  const fits = (seconds: number) => (end - start) / (1000 * seconds) <= MAX_POINTS - 1
  const finest = Object.entries(STEPS).find(([, seconds]) => fits(seconds))
  if (finest === undefined) {
    const days = Math.floor(((MAX_POINTS - 1) * STEPS['1d'] * 1000) / DAY_MS)
    throw invalidField('from', `is ${iso(start)}; allowed is a range of at most ${days} days`)
  }
  const stepSeconds = STEPS[step ?? (finest[0] as Step)]
  if (!fits(stepSeconds)) {
    const problem = `is "${step}"; allowed is ${finest[0]} or longer: the range has more than ${MAX_POINTS} points otherwise`
    throw invalidField('step', problem)
  }
  const stepMs = 1000 * stepSeconds
  return {
    from: new Date(Math.max(FIRST_TIME_MS, Math.floor(start / stepMs) * stepMs)),
    to: new Date(Math.min(LAST_TIME_MS, Math.ceil(end / stepMs) * stepMs)),
    stepSeconds,
  }
}

const iso = (ms: number) => new Date(ms).toISOString()

export interface TimelineOptions {
  readonly sql: Sql
  readonly table: TrafficTable
  /** Of the series; null without one. */
  readonly model: AnomalyModel | null
  readonly effects: LeastEffects
}

/** The steps of a series that have traffic or a verdict, in order of time. */
export async function timelineOf(
  { sql, table, model, effects }: TimelineOptions,
  series: Series,
  range: TimelineRange,
): Promise<TimelinePoint[]> {
  const { stepSeconds } = range
  const watched = await watchedSteps(sql, series, range, stepSeconds)
  const points = new Map(watched.map((step) => [step.timeMs, fromWatched(step)]))
  if (series.kind === 'source') return [...points.values()]
  const endpoint = series.kind === 'endpoint' ? series.name : null
  const steps = await stepsOf(sql, table, endpoint, range).catch((error: unknown) => {
    if (isTableUnusable(error)) return [] // rollup tables may be dropped
    throw error
  })
  const others = steps.filter(({ timeMs }) => series.kind === 'endpoint' || !points.has(timeMs))
  const made = await inSlices(mapSteps(others, (step) => fromTraffic(step, stepSeconds, model, effects)))
  for (const point of made) {
    // Of endpoints only the minutes in alarm are watched: the figures of the whole step are those of the rollups.
    const judged = points.get(point.timeMs)
    points.set(point.timeMs, judged ? { ...judged, values: point.values } : point)
  }
  return [...points.values()].sort((a, b) => a.timeMs - b.timeMs)
}

/** The steps from the first one with requests up to where the rollups reach; those between them had none. */
async function stepsOf(
  sql: Sql,
  table: TrafficTable,
  endpoint: string | null,
  range: TimelineRange,
): Promise<TrafficStep[]> {
  const { stepSeconds, to } = range
  const found = await trafficSteps(sql, table, endpoint, range, stepSeconds)
  const reached = await rolledUpTo(sql, table)
  const first = found[0]?.timeMs
  if (first === undefined || reached === undefined) return found
  const known = new Map(found.map((step) => [step.timeMs, step]))
  const endMs = Math.max(Math.min(to.getTime(), reached.getTime()), found.at(-1)!.timeMs + 1)
  const count = Math.ceil((endMs - first) / (1000 * stepSeconds))
  return Array.from({ length: count }, (_, i) => {
    const timeMs = first + i * 1000 * stepSeconds
    return known.get(timeMs) ?? { timeMs, ...NO_TRAFFIC }
  })
}

const NO_TRAFFIC = { minutes: 0, requests: 0, failed: 0, latencyMs: { avg: null, p95: null, p99: null } }

function valuesOf(
  { requests, failed, latencyMs: { avg, p95, p99 } }: Pick<WatchedStep, 'requests' | 'failed' | 'latencyMs'>,
  seconds: number,
): Band {
  return [requests / seconds, avg, p95, p99, requests > 0 ? failed / requests : 0]
}

function fromWatched(step: WatchedStep): TimelinePoint {
  const { timeMs, seconds, expected, lower, upper, anomaly, type, severity } = step
  const verdict = { anomaly, type: anomaly ? type : null, severity: anomaly ? severity : null }
  return { timeMs, values: valuesOf(step, seconds), expected, lower, upper, verdict }
}

function fromTraffic(
  step: TrafficStep,
  stepSeconds: number,
  model: AnomalyModel | null,
  effects: LeastEffects,
): TimelinePoint {
  const bands = model ? bandsOf(step, stepSeconds, model, effects) : NO_BANDS
  return { timeMs: step.timeMs, values: valuesOf(step, stepSeconds), ...bands, verdict: null }
}

const UNKNOWN: Band = FEATURES.map(() => null)
const NO_BANDS = { expected: UNKNOWN, lower: UNKNOWN, upper: UNKNOWN }

/** Moments of a step whose bands are averaged. */
const MAX_MOMENTS = 12

/** What the model expects of the rows of a step, on average. */
function bandsOf(
  { timeMs, minutes, requests }: TrafficStep,
  stepSeconds: number,
  model: AnomalyModel,
  effects: LeastEffects,
) {
  const count = Math.min(MAX_MOMENTS, Math.ceil(stepSeconds / Math.max(900, model.intervalSeconds)))
  const { intervalSeconds: seconds } = model
  const requestsOfRow = (requests / Math.max(1, minutes)) * (seconds / 60)
  const bands = Array.from({ length: count }, (_, i) => {
    const atMs =
      timeMs + Math.floor(((i + (count > 1 ? 0.5 : 0)) * stepSeconds * 1000) / count / MINUTE_MS) * MINUTE_MS
    const interval: Interval = {
      requests_per_second: requestsOfRow / seconds,
      ...{ avg_latency_ms: NaN, p95_latency_ms: NaN, p99_latency_ms: NaN, error_rate: 0 },
      ...{ seconds, requests: requestsOfRow },
    }
    const measured = measure({ interval, timeMs: atMs }, model, effects)
    return FEATURES.map((feature) =>
      model.expectations[feature].isRecorded
        ? expectedBand(feature, measured, effects, model.thresholds.gates)
        : UNKNOWN_BAND,
    )
  })
  const mean = (of: 'value' | 'lower' | 'upper'): Band =>
    FEATURES.map((_, i) => {
      const sum = bands.reduce((total, each) => total + each[i]![of], 0)
      return Number.isFinite(sum) ? sum / count : null
    })
  return { expected: mean('value'), lower: mean('lower'), upper: mean('upper') }
}
