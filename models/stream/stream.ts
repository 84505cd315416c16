import { decideMinute, type Decision } from '../anomaly/decision.js'
import type { FeatureDeviation, Level } from '../anomaly/deviation.js'
import type { LeastEffects } from '../anomaly/effects.js'
import type { PerFeature } from '../anomaly/features.js'
import {
  effectFactor,
  forestScore,
  measure,
  type MeasuredInterval,
  type ScoreRows,
  type TimedInterval,
} from '../anomaly/measure.js'
import { knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import { verdictOf } from '../anomaly/verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import {
  activeKinds,
  isAlarm,
  isConfirmed,
  isDeployedStep,
  isNewNormal,
  MAX_GAP_REPORTS,
  nextEpisode,
  withoutAbsorbedKinds,
  type Episode,
} from './episode.js'
import { accumulatedEvidence, addEvidence, NO_EVIDENCE, withoutKinds, type Evidence } from './evidence.js'
import {
  anomalousReach,
  continuedEpisode,
  flappingAt,
  nextFlaps,
  NO_FLAPS,
  runsAfter,
  type Flaps,
} from './flapping.js'
import { DEPLOYED_HALF_LIFE, SETTLING_HALF_LIFE } from './follow-baseline.js'
import { learnReport } from './learn-report.js'
import { modelZ } from './model-z.js'
import {
  earlierLevel,
  idles,
  isWarmedUp,
  knowsShare,
  NEW_BASELINE,
  type SourceBaseline,
} from './source-baseline.js'
import { afterGap, usualAt, type StreamState } from './stream-state.js'
import { decideReport, inStream, type StreamVerdict } from './stream-verdict.js'
import type { LearnedBaseline } from './warm-up.js'

interface JudgedReport {
  readonly verdict: StreamVerdict
  /** The state after the report. */
  readonly state: StreamState
  /** Its residuals in the model's standard deviations; NaN where not known. */
  readonly modelZ: PerFeature<number>
}

/**
 * Judges the next report of a stream. The stages are
 * - deviation: from what the model and the baseline of the source expect;
 * - decision: whether the report is an anomaly alone, by the forest and the deviations;
 * - evidence: small deviations of several reports add up;
 * - episode: whether the report begins, continues or ends an alarm;
 * - verdict: what is answered;
 * - baseline: what the report teaches about the source.
 *
 * @param timed a report that is not older than the state
 * @param score the forest's scores, see `ScoreRows`
 * @param deployedMs when something of the source was deployed lately, ms since 1970
 */
export function judgeNext(
  before: StreamState,
  timed: TimedInterval,
  model: AnomalyModel,
  effects: LeastEffects,
  score: ScoreRows,
  deployedMs: readonly number[] = [],
): JudgedReport {
  const { timeMs } = timed
  const { state, measured, minute, evidence, rowMs, rows } = weighNext(before, timed, model, effects, score)
  const { strengths, gates } = measured
  const { thresholds } = model
  const accumulated = accumulatedEvidence(evidence, thresholds.evidence)
  const active = activeKinds(evidence, strengths, thresholds.evidence)
  const runs = runsAfter(state.flaps.runs, timeMs, rowMs, anomalousReach(minute))
  const flapping = flappingAt(runs, timeMs, rowMs)
  const alarm =
    flapping !== null || isAlarm(minute, gates.certain, strengths, state.streak, active, accumulated)
  const open = state.episode ?? continuedEpisode(state.flaps.ended, runs, timeMs)
  const episode = nextEpisode(open, timeMs, rowMs, alarm, active, minute, accumulated)
  const flaps = nextFlaps(state.flaps.ended, runs, state.episode, episode)

  const decision = decideReport(minute, accumulated, episode, timeMs, flapping)
  const streak = decision.anomaly ? state.streak + 1 : 0
  const verdict = verdictOf(measured, decision, effects, model)

  // What comes and goes does not become normal: its moments would draw the baseline away from the reports between them.
  const settling = flapping === null ? settlingOf(episode, timeMs, rowMs, deployedMs) : null
  const learned = learnReport(state.baseline, measured, rows, minute.anomaly, episode, settling, model)
  const usual = usualAt(model, measured.moment, learned.baseline.level)
  return {
    verdict: inStream(verdict, streak, isConfirmed(episode), episode?.sinceMs ?? null, decision.flapping),
    state: nextState(
      state,
      timeMs,
      learned,
      usual,
      evidence,
      episode,
      flaps,
      streak,
      decision.anomaly ? minute.harm : 0,
    ),
    modelZ: modelZ(measured.fromBaseline, state.baseline),
  }
}

/** How fast the deviation of an episode becomes usual: its half-life in minutes; null where it does not. */
function settlingOf(
  episode: Episode | null,
  timeMs: number,
  rowMs: number,
  deployedMs: readonly number[],
): number | null {
  if (isDeployedStep(episode, timeMs, rowMs, deployedMs)) return DEPLOYED_HALF_LIFE
  return isNewNormal(episode, timeMs, rowMs) ? SETTLING_HALF_LIFE : null
}

/** What a report alone and the evidence with it amount to. */
export interface WeighedReport {
  /** The state that the report is judged in. */
  readonly state: StreamState
  readonly measured: MeasuredInterval
  readonly minute: Decision
  readonly evidence: Evidence
  /** Length of the report; of a row of the model if that is longer. */
  readonly rowMs: number
  /** What the baseline may learn: the time since the report before, in reports, times √minutes of a report; above 0. */
  readonly rows: number
}

/** The first stages of {@link judgeNext}, with its parameters. */
export function weighNext(
  before: StreamState,
  timed: TimedInterval,
  model: AnomalyModel,
  effects: LeastEffects,
  score: ScoreRows,
): WeighedReport {
  const { timeMs, interval } = timed
  const { thresholds } = model
  const rowMs = 1000 * Math.max(interval.seconds, model.intervalSeconds)
  const gap = (timeMs - (before.timeMs ?? timeMs)) / rowMs
  let state = gap > MAX_GAP_REPORTS ? afterGap(before) : before
  let measured = measureReport(timed, state, gap, model, effects)
  if (wakesUp(state.baseline, measured.fromBaseline.requests_per_second)) {
    state = { ...state, baseline: NEW_BASELINE }
    measured = measureReport(timed, state, gap, model, effects)
  }
  const minute = decideMinute(measured, forestScore(measured, model, score), effects, thresholds, state.harm)
  const evidence = addEvidence(state.evidence, measured.channels, thresholds.evidence)
  const rows = (Math.min(MAX_GAP_REPORTS, Math.max(0, gap)) || 1) * Math.sqrt(rowMs / MINUTE_MS)
  return { state, measured, minute, evidence, rowMs, rows }
}

/**
 * The deviations of a report from what its source's baseline expects. Once that has moved away from where it was after
 * the warm-up, the nearer of both counts. Without a rhythm of the day it moves with the hour, and counts alone.
 * @param gap time since the report before, in reports
 */
function measureReport(
  timed: TimedInterval,
  { timeMs, baseline }: StreamState,
  gap: number,
  model: AnomalyModel,
  effects: LeastEffects,
): MeasuredInterval {
  const isShareKnown = knowsShare(baseline)
  const isFollowed = isShareKnown && timeMs !== null && gap <= MAX_GAP_REPORTS && baseline.minutes > 0
  const { level, spread } = baseline
  const reference = isWarmedUp(baseline) && knowsTheDay(model) ? earlierLevel(baseline) : level
  const expected = { level, reference, spread }
  const measured = measure(timed, model, effects, expected, effectFactor(model, isFollowed))
  return isShareKnown ? measured : withoutDrop(measured)
}

/** Whether a source that used to idle takes its share of the traffic. What it is like then is not known yet. */
function wakesUp(
  { level, warmUp, isGateway }: SourceBaseline,
  { residual, requests, count }: FeatureDeviation,
): boolean {
  const usual = level.requests_per_second
  if (warmUp !== null || isGateway || Number.isNaN(residual)) return false
  return idles(usual, requests) && !idles(usual + residual, count)
}

/** While the share of the traffic that a source carries is not known, little traffic is no drop. */
function withoutDrop(measured: MeasuredInterval): MeasuredInterval {
  const { z, effect } = measured.strengths.traffic_drop
  const traffic_drop = { z: Math.min(z, 0), effect: Math.min(effect, 0) }
  const channels = { ...measured.channels, traffic_drop: { ...traffic_drop, small: 0, large: 0 } }
  return { ...measured, channels, strengths: { ...measured.strengths, traffic_drop } }
}

/** The state after a report. When the episode is over, so is its evidence. */
function nextState(
  before: StreamState,
  timeMs: number,
  { baseline, absorbed }: LearnedBaseline,
  usual: Level,
  evidence: Evidence,
  episode: Episode | null,
  flaps: Flaps,
  streak: number,
  harm: number,
): StreamState {
  const remaining = withoutAbsorbedKinds(episode, absorbed)
  const isOver = remaining === null && before.episode !== null
  return {
    timeMs,
    baseline,
    usual,
    evidence: isOver ? NO_EVIDENCE : absorbed.length === 0 ? evidence : withoutKinds(evidence, absorbed),
    episode: remaining,
    flaps: absorbed.length === 0 ? flaps : NO_FLAPS,
    streak: remaining === null && episode !== null ? 0 : streak,
    harm,
    modelVersion: before.modelVersion,
  }
}
