import type { Decision } from '../anomaly/decision.js'
import { reachOf, type Gate, type Strength } from '../anomaly/gates.js'
import { KINDS, mapKinds, strongest, type Channel, type Kind, type PerKind } from '../anomaly/kinds.js'
import type { Strengths } from '../anomaly/strengths.js'
import type { Thresholds } from '../anomaly/thresholds.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { persists, type Evidence } from './evidence.js'

/** An alarm, from the report that confirms it until some quiet reports have passed. Plain JSON. */
export interface Episode {
  readonly sinceMs: number
  readonly lastMs: number
  /** Quiet reports in a row: those without a deviation. */
  readonly quiet: number
  /** The furthest reach of each kind so far. */
  readonly kinds: PerKind<number>
  /** The largest harm so far that has lasted; see `lastingHarm`. */
  readonly harm: number
}

/** Quiet reports in a row that end an episode. */
export const QUIET_REPORTS = 5

/** A report at this gate is not quiet within an episode. */
export const ACTIVE = { z: 2, effect: 0.7 }

/** A kind that has never reached this far does not keep an episode going. */
export const ACTIVE_REACH = 0.5

/** After this many minutes a deviation is the new normal, except silence. */
export const NEW_NORMAL_MINUTES = 180

/** And so many reports. */
export const NEW_NORMAL_REPORTS = 12

/** After a gap of more reports than this, evidence, streak and episode begin anew. */
export const MAX_GAP_REPORTS = 15

/** The kinds in which a report deviates, alone or together with the evidence before it. */
export function activeKinds(
  evidence: Evidence,
  strengths: Strengths,
  thresholds: Thresholds['evidence'],
): PerKind<boolean> {
  const lasts = (channel: Channel) => persists(evidence[channel], thresholds[channel])
  const isSlow = lasts('avg_latency_ms') || lasts('p95_latency_ms') || lasts('p99_latency_ms')
  return {
    traffic_spike: lasts('traffic_spike') || isActive(strengths.traffic_spike),
    traffic_drop: lasts('traffic_drop') || isActive(strengths.traffic_drop),
    latency_spike: isSlow || isActive(strengths.latency_spike),
    error_rate_spike: lasts('error_rate_spike') || isActive(strengths.error_rate_spike),
  }
}

function isActive(strength: Strength): boolean {
  return reachOf(strength, ACTIVE) >= 1
}

/**
 * Whether a report begins an episode, or confirms the one that is open. It does when it is
 * - certain: an anomaly in one kind, which is at the certain gate of its length (see `gatesOf`);
 * - repeated: an anomaly right after an anomalous report;
 * - lasting: the accumulated evidence proves a kind that is still active.
 *
 * @param minute the decision about the report alone
 * @param certain the certain gate of the report
 * @param streak anomalous reports in a row before it
 */
export function isAlarm(
  minute: Decision,
  certain: Gate,
  strengths: Strengths,
  streak: number,
  active: PerKind<boolean>,
  accumulated: PerKind<number>,
): boolean {
  const isCertain =
    minute.anomaly && KINDS.some((kind) => minute.kinds[kind] >= 1 && reachOf(strengths[kind], certain) >= 1)
  const isRepeated = minute.anomaly && streak > 0
  return isCertain || isRepeated || KINDS.some((kind) => accumulated[kind] >= 1 && active[kind])
}

/**
 * The episode after a report; null outside an alarm.
 *
 * @param timeMs of the report, not before that of the episode
 * @param rowMs length of a report
 * @param alarm see {@link isAlarm}
 * @param minute the decision about the report alone
 */
export function nextEpisode(
  before: Episode | null,
  timeMs: number,
  rowMs: number,
  alarm: boolean,
  active: PerKind<boolean>,
  minute: Decision,
  accumulated: PerKind<number>,
): Episode | null {
  // An alarm after a long gap is another episode.
  const episode = before !== null && timeMs - before.lastMs <= MAX_GAP_REPORTS * rowMs ? before : null
  if (episode === null) {
    if (!alarm) return null
    const kinds = mapKinds((kind) => Math.max(0, minute.kinds[kind], accumulated[kind]))
    return { sinceMs: timeMs, lastMs: timeMs, quiet: 0, kinds, harm: minute.lasting }
  }
  const { sinceMs, kinds } = episode
  const isActive = KINDS.some((kind) => kinds[kind] >= ACTIVE_REACH && active[kind])
  // What a report between two bad ones lacks by chance is no harm.
  const harm = minute.anomaly || isActive ? Math.max(episode.harm, minute.lasting) : episode.harm
  if (alarm || isActive) {
    const reached = mapKinds((kind) => Math.max(kinds[kind], minute.kinds[kind], accumulated[kind]))
    return { sinceMs, lastMs: timeMs, quiet: 0, kinds: reached, harm }
  }
  const quiet = episode.quiet + 1
  return quiet >= QUIET_REPORTS ? null : { sinceMs, lastMs: timeMs, quiet, kinds, harm }
}

/** Whether the report that led to an episode belongs to the alarm; a quiet report does not. */
export function isConfirmed(episode: Episode | null): episode is Episode {
  return episode !== null && episode.quiet === 0
}

/** Whether an episode has lasted so long that its deviation is the new normal. */
export function isNewNormal(episode: Episode | null, timeMs: number, rowMs: number): boolean {
  const afterMs = Math.max(NEW_NORMAL_MINUTES * MINUTE_MS, NEW_NORMAL_REPORTS * rowMs)
  return episode !== null && timeMs - episode.sinceMs >= afterMs
}

/** A mere step in latency after a deployment is the new normal after so many minutes. */
export const DEPLOYED_MINUTES = 12

/** So long before the first report of an episode, a deployment may have caused it. */
const DEPLOYED_BEFORE_MS = 15 * MINUTE_MS

/**
 * Whether an episode is a mere step in latency after a deployment, and has lasted long enough to be the new normal. More errors
 * are never mere.
 *
 * @param deployedMs when something was deployed, ms since 1970
 */
export function isDeployedStep(
  episode: Episode | null,
  timeMs: number,
  rowMs: number,
  deployedMs: readonly number[],
): boolean {
  if (episode === null || deployedMs.length === 0) return false
  const { sinceMs, kinds } = episode
  const isMere = KINDS.every((kind) => kind === 'latency_spike' || kinds[kind] < ACTIVE_REACH)
  const isAfter = deployedMs.some((atMs) => atMs > sinceMs - DEPLOYED_BEFORE_MS && atMs < sinceMs + rowMs)
  return isMere && isAfter && timeMs - sinceMs >= Math.max(DEPLOYED_MINUTES * MINUTE_MS, rowMs)
}

/** An episode without the kinds that turned out to be usual for the source; null when nothing is left. */
export function withoutAbsorbedKinds(episode: Episode | null, absorbed: readonly Kind[]): Episode | null {
  if (episode === null || absorbed.length === 0) return episode
  const kinds = mapKinds((kind) => (absorbed.includes(kind) ? 0 : episode.kinds[kind]))
  return strongest(kinds) < ACTIVE_REACH ? null : { ...episode, kinds }
}
