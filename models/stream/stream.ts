import { assess, effectFactor, type ScoreRows, type TimedInterval } from '../anomaly/detector.js'
import type { LeastEffects } from '../anomaly/effects.js'
import type { Deviation, Level } from '../anomaly/deviation.js'
import { smoothlyExpectedAt } from '../anomaly/expectation.js'
import { mapFeatures, type PerFeature } from '../anomaly/features.js'
import { knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import { localTimeOf, type LocalMinute } from '../seasonality/local-time.js'
import {
  byKind,
  CERTAIN_GATE,
  KINDS,
  mapChannels,
  mapKinds,
  reachOf,
  strongest,
  type Kind,
  type PerKind,
  type Strength,
  type Strengths,
} from '../anomaly/strengths.js'
import {
  findByItself,
  verdictOf,
  type Finding,
  type JudgedInterval,
  type Verdict,
} from '../anomaly/verdict.js'
import { evidenceReach, gather, goesOn, NO_EVIDENCE, withoutKinds, type Gathered } from './evidence.js'
import { met, unmoved, type Meeting } from './meeting.js'
import { followed, knowsShare, rebased, UNMET, WHOLE_GATEWAY, type OwnLevel } from './own-level.js'
import { MINUTE_MS } from '../traffic/durations.js'

/** An alarm that is certain, until some quiet minutes have passed. */
export interface Episode {
  readonly sinceMs: number
  readonly lastMs: number
  /** Minutes in a row without a deviation. */
  readonly quiet: number
  /** The furthest that each kind has been beyond its line. */
  readonly kinds: Readonly<Record<Kind, number>>
}

/** All that is remembered of a stream beside its window. Immutable, and plain JSON. */
export interface StreamState {
  /** Of the newest report; null before the first. */
  readonly timeMs: number | null
  readonly own: OwnLevel
  /** What is usual of it about that time, on the scale of each feature; null where that is not known. */
  readonly usual: Level | null
  readonly evidence: Gathered
  readonly episode: Episode | null
  /** Anomalous reports in a row. */
  readonly streak: number
  /** Which model the level is against. */
  readonly modelVersion: string | null
}

export interface StreamVerdict extends Verdict {
  readonly streak: number
  /** It belongs to an episode that is certain. */
  readonly confirmed: boolean
  /** When that began, ms since 1970. */
  readonly episodeSinceMs: number | null
}

export interface JudgedReport {
  readonly verdict: StreamVerdict
  /** The state after the report. */
  readonly state: StreamState
  /** Its residuals against the model alone, in standard deviations; NaN where nothing is to be told. */
  readonly standard: PerFeature<number>
}

/** The stream that carries the whole gateway. */
export const WHOLE = 'default'

/** Quiet minutes that end an episode. */
const QUIET_MINUTES = 5

/** What still counts as a deviation within an episode. */
const STILL = { z: 2, effect: 0.7 }
/** How far a kind must have been beyond its line for its deviations to count within an episode. */
const STILL_REACH = 0.5

/** A deviation that has lasted so long is the new normal, except silence. */
const NEW_NORMAL_MINUTES = 180

/** After so long a silence nothing that was gathered before counts. */
const LONGEST_GAP_MS = 15 * MINUTE_MS

/** The strongest an unconfirmed minute may look: gateways alert from 0.7. */
const MOST_UNCONFIRMED_REACH = 1.4

/** @param knowsDay whether the model knows a rhythm of the day; without it the hour has a level of its own */
export function beginStream(source: string, knowsDay = true): StreamState {
  const own = source !== WHOLE ? UNMET : knowsDay ? WHOLE_GATEWAY : { ...WHOLE_GATEWAY, minutes: 0 }
  const evidence = NO_EVIDENCE
  return { timeMs: null, own, usual: null, evidence, episode: null, streak: 0, modelVersion: null }
}

/** The state with nothing but what is usual: an alarm of now is none of an older report. */
export function withoutAlarm(state: StreamState): StreamState {
  return { ...state, evidence: NO_EVIDENCE, episode: null, streak: 0 }
}

/**
 * The state of a stream for a model. One in place of another changes nothing of what is usual for the stream, and ends
 * no alarm; one of another gateway begins anew.
 */
export function forModel(
  state: StreamState,
  source: string,
  modelVersion: string,
  model: AnomalyModel,
): StreamState {
  if (state.modelVersion === modelVersion) return state
  const own = rebasedOn(model, state)
  if (own !== null) return { ...state, own, modelVersion }
  return { ...beginStream(source, knowsTheDay(model)), timeMs: state.timeMs, modelVersion }
}

function rebasedOn(model: AnomalyModel, { own, usual, timeMs }: StreamState): OwnLevel | null {
  if (usual === null || timeMs === null) return null
  return rebased(own, usual, smoothly(model, localTimeOf(model.timeZone)(timeMs)))
}

function smoothly({ expectations }: AnomalyModel, moment: LocalMinute): Level {
  return mapFeatures((feature) => smoothlyExpectedAt(expectations[feature], moment))
}

/**
 * Judges the next report of a stream. Beside what a minute shows by itself there is what the minutes before it have
 * gathered ({@link gather}): a large deviation is an alarm at once, a second anomalous minute confirms the first, a
 * small one needs evidence over minutes. The stream's own level is followed slowly, but not within an alarm.
 */
export function judgeNext(
  before: StreamState,
  { interval, timeMs }: TimedInterval,
  model: AnomalyModel,
  effects: LeastEffects,
  score: ScoreRows,
): JudgedReport {
  const gapMs = timeMs - (before.timeMs ?? timeMs)
  const minutes = Math.min(LONGEST_GAP_MS, Math.max(0, gapMs)) / MINUTE_MS || 1
  const state = gapMs > LONGEST_GAP_MS ? { ...before, evidence: NO_EVIDENCE, streak: 0 } : before
  const isShareKnown = knowsShare(state.own)
  const isFollowed =
    isShareKnown && before.timeMs !== null && gapMs <= LONGEST_GAP_MS && state.own.minutes > 0
  const factor = effectFactor(model, isFollowed)
  const [assessed] = assess([{ interval, timeMs }], model, effects, score, state.own, factor)
  const judged = isShareKnown ? assessed! : withoutDrop(assessed!)
  const evidence = gather(state.evidence, judged.channels)
  const alone = findByItself(judged, effects)
  const isCertain = alone.anomaly && KINDS.some((kind) => reachOf(judged.strengths[kind], CERTAIN_GATE) >= 1)
  const lasting = lastingOf(evidence)
  const still = stillOf(evidence, judged.strengths)
  const isLasting = KINDS.some((kind) => lasting[kind] >= 1 && still[kind])
  const isRepeated = alone.anomaly && state.streak > 0
  const episode = nextEpisode(
    state.episode,
    timeMs,
    still,
    isCertain || isRepeated || isLasting,
    alone,
    lasting,
  )
  const confirmed = episode !== null && episode.quiet === 0
  const finding = findingOf(alone, lasting, episode, confirmed, timeMs)
  const streak = finding.anomaly ? state.streak + 1 : 0
  const verdict = verdictOf(judged, finding, effects, model.nSamples)
  const { own, explained } = nextLevel(state.own, assessed!, minutes, {
    episode,
    alone,
    timeMs,
    knowsDay: knowsTheDay(model),
  })
  const goingOn = explained.length === 0 ? episode : unexplained(episode, explained)
  const isOver = goingOn === null && state.episode !== null
  const smooth = smoothly(model, judged.moment)
  return {
    standard: standardAgainst(judged.deviation, state.own),
    verdict: inStream(verdict, streak, confirmed, episode?.sinceMs ?? null),
    state: {
      timeMs,
      own,
      usual: mapFeatures((feature) => smooth[feature] + own.level[feature]),
      evidence: isOver ? NO_EVIDENCE : explained.length === 0 ? evidence : withoutKinds(evidence, explained),
      episode: goingOn,
      streak: goingOn === null && episode !== null ? 0 : streak,
      modelVersion: state.modelVersion,
    },
  }
}

/** An episode without the kinds that were the stream's own level. */
function unexplained(episode: Episode | null, explained: readonly Kind[]): Episode | null {
  if (episode === null) return null
  const kinds = mapKinds((kind) => (explained.includes(kind) ? 0 : episode.kinds[kind]))
  return strongest(kinds) < STILL_REACH ? null : { ...episode, kinds }
}

/** Spelled out: to spread a verdict costs a tenth of all that judging does. */
function inStream(
  verdict: Verdict,
  streak: number,
  confirmed: boolean,
  episodeSinceMs: number | null,
): StreamVerdict {
  return {
    anomaly: verdict.anomaly,
    score: verdict.score,
    normalizedScore: verdict.normalizedScore,
    type: verdict.type,
    severity: verdict.severity,
    confidence: verdict.confidence,
    explanation: verdict.explanation,
    expected: verdict.expected,
    contributions: verdict.contributions,
    streak,
    confirmed,
    episodeSinceMs,
  }
}

/** Until a stream's share of the traffic is known, little of it is no drop. */
function withoutDrop(judged: JudgedInterval): JudgedInterval {
  const { z, effect } = judged.strengths.traffic_drop
  const traffic_drop = { z: Math.min(z, 0), effect: Math.min(effect, 0) }
  const channels = { ...judged.channels, traffic_drop: { ...traffic_drop, small: 0, large: 0 } }
  return { ...judged, channels, strengths: { ...judged.strengths, traffic_drop } }
}

/** A stream that carries a share of the traffic tells nothing of the gateway's, and until it has been met nothing at all. */
function standardAgainst(deviation: Deviation, own: OwnLevel): PerFeature<number> {
  return mapFeatures((feature) => {
    if (own.first !== null || (feature === 'requests_per_second' && !own.isWhole)) return NaN
    const { residual, sigmaUp, sigmaDown } = deviation[feature]
    const moved = residual + own.level[feature] - own.base[feature]
    return (moved * own.spread[feature]) / (moved > 0 ? sigmaUp : sigmaDown)
  })
}

/** How far the evidence of each kind reaches. */
function lastingOf(evidence: Gathered): PerKind<number> {
  if (evidence === NO_EVIDENCE) return NOTHING_LASTS
  return byKind(mapChannels((channel) => evidenceReach(evidence[channel])))
}
const NOTHING_LASTS = mapKinds(() => 0)

/** Which kinds the report, or the evidence with it, still shows. */
function stillOf(evidence: Gathered, strengths: Strengths): PerKind<boolean> {
  const { traffic_spike, traffic_drop, error_rate_spike } = evidence
  const { avg_latency_ms, p95_latency_ms, p99_latency_ms } = evidence
  const isSlow = goesOn(avg_latency_ms) || goesOn(p95_latency_ms) || goesOn(p99_latency_ms)
  return {
    traffic_spike: goesOn(traffic_spike) || isStill(strengths.traffic_spike),
    traffic_drop: goesOn(traffic_drop) || isStill(strengths.traffic_drop),
    latency_spike: isSlow || isStill(strengths.latency_spike),
    error_rate_spike: goesOn(error_rate_spike) || isStill(strengths.error_rate_spike),
  }
}

function isStill(strength: Strength): boolean {
  return reachOf(strength, STILL) >= 1
}

function nextEpisode(
  before: Episode | null,
  timeMs: number,
  still: PerKind<boolean>,
  begins: boolean,
  alone: Finding,
  lasting: PerKind<number>,
): Episode | null {
  // What lies behind a long gap is another episode.
  const episode = before !== null && timeMs - before.lastMs <= LONGEST_GAP_MS ? before : null
  if (episode === null && !begins) return null
  const { sinceMs = timeMs, kinds } = episode ?? {}
  const deviates = begins || KINDS.some((kind) => (kinds?.[kind] ?? 0) >= STILL_REACH && still[kind])
  const quiet = deviates ? 0 : (episode?.quiet ?? 0) + 1
  if (quiet >= QUIET_MINUTES) return null
  const reached = mapKinds((kind) =>
    deviates ? Math.max(kinds?.[kind] ?? 0, alone.kinds[kind], lasting[kind]) : (kinds?.[kind] ?? 0),
  )
  return { sinceMs, lastMs: timeMs, quiet, kinds: reached }
}

function findingOf(
  alone: Finding,
  lasting: PerKind<number>,
  episode: Episode | null,
  confirmed: boolean,
  timeMs: number,
): Finding {
  if (!confirmed || episode === null) {
    const gathered = Math.min(0.99, strongest(lasting))
    if (!alone.anomaly) return { ...alone, reach: Math.max(alone.reach, gathered) }
    return { ...alone, reach: Math.min(alone.reach, MOST_UNCONFIRMED_REACH) }
  }
  const reach = Math.max(1, alone.reach, strongest(lasting))
  const minutes = 1 + (timeMs - episode.sinceMs) / MINUTE_MS
  return { anomaly: true, reach, kinds: episode.kinds, minutes, confirmed }
}

/** What a minute teaches of the stream's own level: nothing within an alarm, until that is the new normal. */
function nextLevel(
  own: OwnLevel,
  { deviation, interval }: JudgedInterval,
  minutes: number,
  {
    episode,
    alone,
    timeMs,
    knowsDay,
  }: { episode: Episode | null; alone: Finding; timeMs: number; knowsDay: boolean },
): Meeting {
  const lesson = { minutes, requests: interval.requests, isSettling: false, knowsDay }
  const isNewNormal = episode !== null && timeMs - episode.sinceMs >= NEW_NORMAL_MINUTES * MINUTE_MS
  if (isNewNormal && lesson.requests > 0)
    return unmoved(followed(own, deviation, { ...lesson, isSettling: true }))
  const meeting = own.first === null ? unmoved(own) : met(own, deviation, lesson.requests)
  const isJustMet = own.first !== null && meeting.own.first === null
  if (isJustMet || episode !== null || alone.anomaly) return meeting
  return { own: followed(meeting.own, deviation, lesson), explained: meeting.explained }
}
