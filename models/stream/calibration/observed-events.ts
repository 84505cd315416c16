import { decideMinute, jointReach } from '../../anomaly/decision.js'
import type { LeastEffects } from '../../anomaly/effects.js'
import { reachOf, type Gate, type Strength } from '../../anomaly/gates.js'
import { KIND_OF, KINDS, mapChannels, mapKinds, type Kind, type PerKind } from '../../anomaly/kinds.js'
import type { MeasuredInterval, ScoreRows, TimedInterval } from '../../anomaly/measure.js'
import type { AnomalyModel } from '../../anomaly/model.js'
import { NEUTRAL, type Thresholds } from '../../anomaly/thresholds.js'
import { activeKinds, QUIET_REPORTS } from '../episode.js'
import { accumulatedEvidence, evidenceReach, type Evidence } from '../evidence.js'
import { flappingReach, followsRun, NO_FLAPS, runsAfter, type Runs } from '../flapping.js'
import { learnReport } from '../learn-report.js'
import { beginStream, forModel, GATEWAY, usualAt } from '../stream-state.js'
import { weighNext, type WeighedReport } from '../stream.js'
import { EvidencePeakObserver } from './evidence-peaks.js'

/** A kind of alarm, or that of two kinds at once. */
export type EventKind = Kind | 'joint'
export const EVENT_KINDS: readonly EventKind[] = [...KINDS, 'joint']

/** Reports in a row that would be an alarm of a kind with neutral thresholds. */
export interface ObservedEvent {
  readonly kind: EventKind
  readonly startMs: number
  /** Its length in reports. */
  readonly rows: number
  /** Of its day, when it began, local; and that day. */
  readonly minuteOfDay: number
  readonly day: number
  /** The largest effect: multiples of the smallest deviation that matters. */
  readonly effect: number
  /** Thresholds above which it would be no alarm, for its kind. */
  readonly sizes: EventSizes
}

/** How far an event reaches; 1 is at a neutral threshold. */
export interface EventSizes {
  readonly gate: number
  readonly evidence: Thresholds['evidence']
}

/** Thresholds that nothing reaches. */
export const NEVER: Thresholds = {
  gates: mapKinds(() => Infinity),
  joint: Infinity,
  evidence: mapChannels(() => ({ small: 1e3, large: 1e3 })),
}

/**
 * Follows a history as the stream of the whole gateway that raises no alarm, and finds what would have been alarms with
 * neutral thresholds.
 *
 * @param modelAt the model, with the thresholds NEVER, that judges a report, and its name
 * @param peaks observes the evidence of all reports
 * @returns in the order of their beginnings
 */
export function observeEvents(
  reports: readonly TimedInterval[],
  modelAt: (index: number) => { readonly model: AnomalyModel; readonly name: string },
  effects: LeastEffects,
  score: ScoreRows,
  peaks = new EvidencePeakObserver(),
): ObservedEvent[] {
  const events: OpenEvent[] = []
  const open = new Map<EventKind, OpenEvent>()
  let state = beginStream(GATEWAY)
  let before = NO_REACH
  let runs = NO_FLAPS.runs
  reports.forEach((timed, index) => {
    const { model, name } = modelAt(index)
    const { timeMs } = timed
    const weighed = weighNext(forModel(state, GATEWAY, name, model), timed, model, effects, score)
    const { evidence, rows, rowMs, measured } = weighed
    peaks.observe(weighed)
    const reach = reachOfGates(weighed, effects)
    runs = runsAfter(runs, timeMs, rowMs, reach)
    const report = reportedOf(weighed, reach, before, runs)
    for (const kind of EVENT_KINDS) {
      const event = open.get(kind)
      const isRecent = event !== undefined && timeMs - event.lastMs <= QUIET_REPORTS * rowMs
      const isOpen = isRecent || (event !== undefined && flaps(kind, runs, timeMs, event))
      if (isOpen && (report.active[kind] || report.isLarge(kind))) extend(event, timeMs, rowMs, report)
      if (isOpen || !report.isLarge(kind)) continue
      const begun = begin(kind, timeMs, report)
      open.set(kind, begun)
      events.push(begun)
    }
    before = reach
    const known = weighed.state.baseline
    const { baseline } = learnReport(known, measured, rows, false, null, null, model)
    const usual = usualAt(model, measured.moment, baseline.level)
    state = { ...weighed.state, timeMs, baseline, usual, evidence }
  })
  return events
}

/** An event that further reports may extend. */
type OpenEvent = { -readonly [K in keyof ObservedEvent]: ObservedEvent[K] } & { lastMs: number }

/** For each kind, and for two kinds at once. */
type PerEventKind<T> = Readonly<Record<EventKind, T>>

/** What one report says about each kind. */
interface Reported {
  readonly measured: MeasuredInterval
  readonly evidence: Evidence
  /** Of the gates by this report; 0 when the forest does not call it anomalous. */
  readonly reach: PerEventKind<number>
  /** Of the gates by what would have begun an episode. */
  readonly gates: PerEventKind<number>
  readonly active: PerEventKind<boolean>
  /** Whether it would have been an alarm. */
  readonly isLarge: (kind: EventKind) => boolean
}

const NO_REACH: PerEventKind<number> = { ...mapKinds(() => 0), joint: 0 }

/** Whether a report goes on with an event that comes and goes, as an episode does. */
function flaps(kind: EventKind, runs: Runs, timeMs: number, { startMs }: OpenEvent): boolean {
  return kind !== 'joint' && followsRun(runs[kind], timeMs, startMs)
}

function reportedOf(
  weighed: WeighedReport,
  reach: PerEventKind<number>,
  before: PerEventKind<number>,
  runs: Runs,
): Reported {
  const { measured, evidence } = weighed
  const { strengths, gates: ofRow } = measured
  const ofEvidence = accumulatedEvidence(evidence, NEUTRAL.evidence)
  const ofKinds = activeKinds(evidence, strengths, NEUTRAL.evidence)
  const active = { ...ofKinds, joint: reach.joint >= 1 }
  const repeated = (kind: EventKind) => Math.min(reach[kind], before[kind])
  const flapping = (kind: Kind) => Math.min(reach[kind], flappingReach(runs[kind]))
  const gates = {
    ...mapKinds((kind) => {
      const isCertain = reachOf(strengths[kind], ofRow.certain) >= 1
      return isCertain ? reach[kind] : Math.max(repeated(kind), flapping(kind))
    }),
    joint: repeated('joint'),
  }
  const isLarge = (kind: EventKind) =>
    gates[kind] >= 1 || (kind !== 'joint' && active[kind] && ofEvidence[kind] >= 1)
  return { measured, evidence, reach, gates, active, isLarge }
}

function reachOfGates({ measured, minute }: WeighedReport, effects: LeastEffects): PerEventKind<number> {
  if (!(minute.score < 0)) return NO_REACH
  const { kinds } = decideMinute(withCertainZ(measured, measured.gates.gate), minute.score, effects, NEUTRAL)
  return { ...kinds, joint: jointReach(withCertainZ(measured, measured.gates.joint), effects) }
}

/** Thresholds multiply effects alone: with enough z for a gate, a kind reaches as far as its effect; else not at all. */
function withCertainZ(measured: MeasuredInterval, gate: Gate): MeasuredInterval {
  const strengths: PerKind<Strength> = mapKinds((kind) => {
    const { z, effect } = measured.strengths[kind]
    return { z: z >= gate.z ? Infinity : 0, effect }
  })
  return { ...measured, strengths }
}

function begin(kind: EventKind, timeMs: number, report: Reported): OpenEvent {
  const { day, minuteOfWeek } = report.measured.moment
  const at = { startMs: timeMs, lastMs: timeMs, rows: 1, minuteOfDay: minuteOfWeek % 1440, day }
  return { kind, ...at, effect: effectOf(kind, report), sizes: sizesOf(kind, report) }
}

function extend(event: OpenEvent, timeMs: number, rowMs: number, report: Reported): void {
  event.lastMs = timeMs
  event.rows = (timeMs - event.startMs) / rowMs + 1
  event.effect = Math.max(event.effect, effectOf(event.kind, report))
  event.sizes = largerSizes(event.sizes, sizesOf(event.kind, report))
}

function effectOf(kind: EventKind, { measured, reach }: Reported): number {
  return kind === 'joint' ? reach.joint : measured.strengths[kind].effect
}

const NO_EVIDENCE_SIZES = mapChannels(() => ({ small: 0, large: 0 }))

function sizesOf(kind: EventKind, { gates, evidence, active }: Reported): EventSizes {
  const gate = gates[kind]
  if (kind === 'joint' || !active[kind]) return { gate, evidence: NO_EVIDENCE_SIZES }
  return {
    gate,
    evidence: mapChannels((channel) => {
      if (KIND_OF[channel] !== kind) return NO_EVIDENCE_SIZES[channel]
      const { small, large } = evidence[channel]
      return {
        small: evidenceReach({ small, large: small }),
        large: evidenceReach({ small: large, large }),
      }
    }),
  }
}

/** The larger of two sizes, part by part. */
export function largerSizes(a: EventSizes, b: EventSizes): EventSizes {
  return {
    gate: Math.max(a.gate, b.gate),
    evidence: mapChannels((channel) => ({
      small: Math.max(a.evidence[channel].small, b.evidence[channel].small),
      large: Math.max(a.evidence[channel].large, b.evidence[channel].large),
    })),
  }
}
