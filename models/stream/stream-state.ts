import { expectedOfRow, type Level } from '../anomaly/deviation.js'
import { smoothlyExpectedAt } from '../anomaly/expectation.js'
import { mapFeatures } from '../anomaly/features.js'
import { knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import { localTimeOf, type LocalMinute } from '../seasonality/local-time.js'
import type { Episode } from './episode.js'
import { NO_EVIDENCE, type Evidence } from './evidence.js'
import { NO_FLAPS, type Flaps } from './flapping.js'
import { GATEWAY_BASELINE, NEW_BASELINE, rebase, type SourceBaseline } from './source-baseline.js'

/** Everything that is remembered of a stream besides its window. Immutable, plain JSON. */
export interface StreamState {
  /** Time of the newest report, ms since 1970; null before the first. */
  readonly timeMs: number | null
  readonly baseline: SourceBaseline
  /** What is usual for the source around that time, on the scale of each feature; null when not known. */
  readonly usual: Level | null
  readonly evidence: Evidence
  readonly episode: Episode | null
  readonly flaps: Flaps
  /** Anomalous reports in a row. */
  readonly streak: number
  /** The harm of the newest report, if it is anomalous; see `harmOf`. */
  readonly harm: number
  /** The model that the baseline is relative to; null before the first report. */
  readonly modelVersion: string | null
}

/** The source that carries the whole gateway. */
export const GATEWAY = 'default'

/**
 * The state of a stream before its first report.
 * @param knowsDay whether the model knows a rhythm of the day; if not, the gateway's own baseline follows the hour
 */
export function beginStream(source: string, knowsDay = true): StreamState {
  return {
    timeMs: null,
    baseline: beginBaseline(source, knowsDay),
    usual: null,
    evidence: NO_EVIDENCE,
    episode: null,
    flaps: NO_FLAPS,
    streak: 0,
    harm: 0,
    modelVersion: null,
  }
}

function beginBaseline(source: string, knowsDay: boolean): SourceBaseline {
  if (source !== GATEWAY) return NEW_BASELINE
  return knowsDay ? GATEWAY_BASELINE : { ...GATEWAY_BASELINE, minutes: 0 }
}

/** The state with its baseline alone. An older report is judged by it, since the alarm of now says nothing about then. */
export function withoutAlarm(state: StreamState): StreamState {
  return { ...state, evidence: NO_EVIDENCE, episode: null, flaps: NO_FLAPS, streak: 0, harm: 0 }
}

/** The state with all but evidence, streak and harm: reports before a long gap prove nothing. */
export function afterGap(state: StreamState): StreamState {
  return { ...state, evidence: NO_EVIDENCE, streak: 0, harm: 0 }
}

/**
 * The state of a stream for a model. When a new model replaces the one before, what is usual for the source stays usual,
 * and an alarm goes on. When the new model describes another gateway, the stream begins anew.
 */
export function forModel(
  state: StreamState,
  source: string,
  modelVersion: string,
  model: AnomalyModel,
): StreamState {
  if (state.modelVersion === modelVersion) return state
  const baseline = rebaseOn(model, state)
  if (baseline !== null) return { ...state, baseline, modelVersion }
  return { ...beginStream(source, knowsTheDay(model)), timeMs: state.timeMs, modelVersion }
}

function rebaseOn(model: AnomalyModel, { baseline, usual, timeMs }: StreamState): SourceBaseline | null {
  if (usual === null || timeMs === null) return null
  const moment = localTimeOf(model.timeZone)(timeMs)
  return rebase(baseline, usual, expectedOfRow(model, moment, smoothlyExpectedAt))
}

/** What is usual for a source around a moment, on the scale of each feature. */
export function usualAt(model: AnomalyModel, moment: LocalMinute, level: Level): Level {
  const expected = expectedOfRow(model, moment, smoothlyExpectedAt)
  return mapFeatures((feature) => expected[feature] + level[feature])
}
