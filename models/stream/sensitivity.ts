import type { LeastEffects } from '../anomaly/effects.js'
import { decideMinute } from '../anomaly/decision.js'
import { expectedOfRow } from '../anomaly/deviation.js'
import { isLatency, mapFeatures, type Interval, type PerFeature } from '../anomaly/features.js'
import { reachOf } from '../anomaly/gates.js'
import { CHANNELS, KIND_OF, KINDS, mapKinds, type Kind, type PerKind } from '../anomaly/kinds.js'
import { measure, type ScoreRows } from '../anomaly/measure.js'
import { knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import { fromScale } from '../anomaly/scales.js'
import { instantOf, localTimeOf } from '../seasonality/local-time.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../traffic/durations.js'
import { ENOUGH, MIN_REPORTS } from './evidence.js'
import { beginStream, GATEWAY } from './stream-state.js'
import { judgeNext } from './stream.js'

/** A change, and after how many minutes it is found. */
export interface FoundChange {
  /** A factor on traffic or latencies; what is added to the error rate, as a share. */
  readonly size: number
  readonly minutes: number
}

/** What is found at some hours of some days; null where no change of the kind is. */
export interface Sensitivity {
  readonly days: 'monday_to_friday' | 'saturday_and_sunday'
  /** Local hours, the end excluded. */
  readonly fromHour: number
  readonly toHour: number
  /** Usual requests a minute. */
  readonly requestsPerMinute: number
  /** The smallest change that is found within two rows: minutes, unless the model has longer ones. */
  readonly soon: PerKind<FoundChange | null>
  /** The smallest change that is found within an hour; within three rows if they are longer. */
  readonly lasting: PerKind<FoundChange | null>
}

/** Hours that are described together, by their middle. */
export const HOURS = 4

/** The longest wait for a lasting change. */
export const MAX_WAIT_MINUTES = 60

/** The sizes that are tried, as multiples of the smallest deviation that matters. */
const STEP = 1 / 8
const MAX_SIZE = 20
const SIZES = Array.from({ length: MAX_SIZE / STEP }, (_, i) => (i + 1) * STEP)

/** Each replayed size is further away from the one before. */
const STEP_GROWTH = 1.25

/**
 * The smallest changes that a model finds in a week without noise, hence about the smallest that it finds every second
 * time: its blind spots. The forest is not consulted.
 *
 * @param effects the smallest deviations that matter
 * @returns for Monday to Friday and then for the weekend, by four hours of the day
 */
export function sensitivityOf(model: AnomalyModel, effects: LeastEffects): Sensitivity[] {
  const steps = sensitivitySteps(model, effects)
  for (;;) {
    const { value, done } = steps.next()
    if (done === true) return value
  }
}

/** As sensitivityOf, in steps of some milliseconds. */
export function* sensitivitySteps(
  model: AnomalyModel,
  effects: LeastEffects,
): Generator<void, Sensitivity[]> {
  const { firstDay, levels } = model.expectations.requests_per_second.usual.level
  const afterMs = (firstDay + levels.length) * DAY_MS
  const { minuteOfWeek } = localTimeOf('UTC')(afterMs)
  const mondayMs = afterMs + ((10_080 - minuteOfWeek) % 10_080) * MINUTE_MS
  const found: Sensitivity[] = []
  for (const days of ['monday_to_friday', 'saturday_and_sunday'] as const) {
    for (let i = 0; i < 24 / HOURS; i++) {
      // Wednesday and Saturday stand for their parts of the week, and a minute that is no full hour for its hours.
      const day = days === 'monday_to_friday' ? 2 : 5
      const wallMs = mondayMs + day * DAY_MS + (i + 0.5) * HOURS * HOUR_MS + 23 * MINUTE_MS
      const usual = usualAt(model, instantOf(wallMs, model.timeZone))
      const hours = { fromHour: i * HOURS, toHour: (i + 1) * HOURS }
      const requestsPerMinute = usual.interval.requests_per_second * 60
      const changes = yield* smallestChanges(usual, model, effects)
      found.push({ days, ...hours, requestsPerMinute, ...changes })
    }
  }
  return found
}

interface UsualRow {
  readonly timeMs: number
  readonly interval: Interval
}

function usualAt(model: AnomalyModel, timeMs: number): UsualRow {
  const moment = localTimeOf(model.timeZone)(timeMs)
  const seconds = model.intervalSeconds
  const expected = expectedOfRow(model, moment)
  const values = mapFeatures((feature) => fromScale(feature, expected[feature], seconds))
  return { timeMs, interval: { ...values, seconds, requests: values.requests_per_second * seconds } }
}

function* smallestChanges(
  usual: UsualRow,
  model: AnomalyModel,
  effects: LeastEffects,
): Generator<void, Pick<Sensitivity, 'soon' | 'lasting'>> {
  const rowMinutes = model.intervalSeconds / 60
  const smallest = (kind: Kind, mostRows: number): FoundChange | null => {
    // A baseline that follows the change finds no smaller one than a baseline that stays.
    const isPossible = (multiple: number) => {
      const { interval } = changedBy(usual.interval, kind, multiple, effects)
      return rowsIfStill(kind, { ...usual, interval }, model, effects) <= mostRows
    }
    const least = SIZES.find(isPossible) ?? Infinity
    for (let multiple = least, step = STEP; multiple <= MAX_SIZE; multiple += step, step *= STEP_GROWTH) {
      const rows = rowsUntilFound(kind, multiple, mostRows, usual.timeMs, model, effects)
      if (rows > mostRows) continue
      return { size: changedBy(usual.interval, kind, multiple, effects).size, minutes: rows * rowMinutes }
    }
    return null
  }
  const maxRows = Math.max(MIN_REPORTS, MAX_WAIT_MINUTES / rowMinutes)
  const soon: Partial<Record<Kind, FoundChange | null>> = {}
  const lasting: Partial<Record<Kind, FoundChange | null>> = {}
  for (const kind of KINDS) {
    soon[kind] = smallest(kind, 2)
    yield
    lasting[kind] = smallest(kind, maxRows)
    yield
  }
  return { soon: mapKinds((kind) => soon[kind]!), lasting: mapKinds((kind) => lasting[kind]!) }
}

/** A row with a change of so many times the smallest deviation that matters, and the size of the change. */
export function changedBy(
  usual: Interval,
  kind: Kind,
  multiple: number,
  { traffic, latency, latencyMs, errors }: LeastEffects,
): { interval: Interval; size: number } {
  if (kind === 'error_rate_spike') {
    const error_rate = Math.min(1, usual.error_rate + multiple * errors)
    return { interval: { ...usual, error_rate }, size: error_rate - usual.error_rate }
  }
  if (kind === 'latency_spike') {
    const size = Math.max((1 + latency) ** multiple, 1 + (multiple * latencyMs) / usual.avg_latency_ms)
    const slower = mapFeatures((feature) => usual[feature] * (isLatency(feature) ? size : 1))
    return { interval: { ...usual, ...slower }, size }
  }
  const size = (1 + traffic) ** (kind === 'traffic_spike' ? multiple : -multiple)
  const changed: PerFeature<number> = { ...usual, requests_per_second: usual.requests_per_second * size }
  return { interval: { ...usual, ...changed, requests: usual.requests * size }, size }
}

/** The forest calls every row anomalous. */
const ANOMALOUS: ScoreRows = () => Float64Array.of(Infinity)

/**
 * How many rows with a change, from some time on, begin an episode of the stream of the whole gateway; Infinity when none
 * of so many does. Its baseline follows the change meanwhile.
 */
function rowsUntilFound(
  kind: Kind,
  multiple: number,
  mostRows: number,
  fromMs: number,
  model: AnomalyModel,
  effects: LeastEffects,
): number {
  let state = beginStream(GATEWAY, knowsTheDay(model))
  for (let row = 1; row <= mostRows; row++) {
    const usual = usualAt(model, fromMs + (row - 1) * model.intervalSeconds * 1000)
    const timed = { ...usual, interval: changedBy(usual.interval, kind, multiple, effects).interval }
    const next = judgeNext(state, timed, model, effects, ANOMALOUS)
    if (next.verdict.confirmed) return row
    state = next.state
  }
  return Infinity
}

/** How many rows with a change begin an episode if the baseline stays where it is; Infinity when they never do. */
function rowsIfStill(kind: Kind, timed: UsualRow, model: AnomalyModel, effects: LeastEffects): number {
  const measured = measure(timed, model, effects)
  const { kinds } = decideMinute(measured, -1, effects, model.thresholds)
  if (kinds[kind] >= 1) return reachOf(measured.strengths[kind], measured.gates.certain) >= 1 ? 1 : 2
  const waits = CHANNELS.filter((channel) => KIND_OF[channel] === kind).flatMap((channel) => {
    const { small, large } = measured.channels[channel]
    const factors = model.thresholds.evidence[channel]
    return [wait(small, factors.small), wait(large, factors.large)]
  })
  return Math.min(...waits)
}

function wait(ratio: number, factor: number): number {
  return ratio > 0 ? Math.max(MIN_REPORTS, Math.ceil((ENOUGH * factor) / ratio)) : Infinity
}
