import { decideMinute, jointReach } from '../../anomaly/decision.js'
import type { LeastEffects } from '../../anomaly/effects.js'
import { CERTAIN_GATE, GATE, JOINT_GATE, reachOf, type Strength } from '../../anomaly/gates.js'
import { KIND_OF, KINDS, mapChannels, mapKinds, type Channel, type Kind } from '../../anomaly/kinds.js'
import type { MeasuredInterval, ScoreRows, TimedInterval } from '../../anomaly/measure.js'
import type { AnomalyModel } from '../../anomaly/model.js'
import { NEUTRAL, type Thresholds } from '../../anomaly/thresholds.js'
import { MINUTE_MS } from '../../traffic/durations.js'
import { activeKinds, QUIET_MINUTES } from '../episode.js'
import { evidenceReach, type Evidence } from '../evidence.js'
import { learnReport } from '../learn-report.js'
import { beginStream, forModel, GATEWAY, usualAt } from '../stream-state.js'
import { weighNext, type WeighedReport } from '../stream.js'

/** A kind of alarm, or that of two kinds at once. */
export type EventKind = Kind | 'joint'
export const EVENT_KINDS: readonly EventKind[] = [...KINDS, 'joint']

/** Reports in a row that would be an alarm of a kind with neutral thresholds. */
export interface ObservedEvent {
  readonly kind: EventKind
  readonly startMs: number
  readonly minutes: number
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
const NEVER: Thresholds = {
  gates: mapKinds(() => Infinity),
  joint: Infinity,
  evidence: mapChannels(() => ({ small: 1e3, large: 1e3 })),
}

/**
 * Follows a history as the stream of the whole gateway that raises no alarm, and finds what would have been alarms with
 * neutral thresholds.
 *
 * @param modelAt the model, and its name, that judges a report
 */
export function observeEvents(
  reports: readonly TimedInterval[],
  modelAt: (index: number) => { readonly model: AnomalyModel; readonly name: string },
  effects: LeastEffects,
  score: ScoreRows,
): ObservedEvent[] {
  const events: ObservedEvent[] = []
  const open = new Map<EventKind, OpenEvent>()
  let state = beginStream(GATEWAY)
  let before = NOTHING
  reports.forEach((timed, index) => {
    const { model, name } = modelAt(index)
    const never = { ...model, thresholds: NEVER }
    const weighed = weighNext(forModel(state, GATEWAY, name, never), timed, never, effects, score)
    const reach = reachesOf(weighed, effects)
    for (const kind of EVENT_KINDS) {
      const event = nextEvent(open.get(kind), kind, timed.timeMs, weighed, { reach, before })
      if (event === null) open.delete(kind)
      else open.set(kind, event)
      if (event?.isNew) events.push(event)
    }
    before = reach
    const { evidence, minutes, measured } = weighed
    const { baseline } = learnReport(
      weighed.state.baseline,
      measured,
      minutes,
      false,
      null,
      timed.timeMs,
      never,
    )
    const usual = usualAt(never, measured.moment, baseline.level)
    state = { ...weighed.state, timeMs: timed.timeMs, baseline, usual, evidence }
  })
  return events
}

interface Reaches {
  /** Of the gates by a report that the forest calls anomalous; 0 otherwise. */
  readonly kinds: Readonly<Record<EventKind, number>>
}

const NOTHING: Reaches = { kinds: { ...mapKinds(() => 0), joint: 0 } }

function reachesOf({ measured, minute }: WeighedReport, effects: LeastEffects): Reaches {
  if (!(minute.score < 0)) return NOTHING
  const { kinds } = decideMinute(withCertainZ(measured, GATE), minute.score, effects, NEUTRAL)
  return { kinds: { ...kinds, joint: jointReach(withCertainZ(measured, JOINT_GATE), effects) } }
}

/** Thresholds multiply effects alone. A kind with enough z for a gate reaches as far as its effect; another one not at all. */
function withCertainZ(measured: MeasuredInterval, gate: Strength): MeasuredInterval {
  const strengths = mapKinds((kind) => {
    const { z, effect } = measured.strengths[kind]
    return { z: z >= gate.z ? Infinity : 0, effect }
  })
  return { ...measured, strengths }
}

interface OpenEvent extends ObservedEvent {
  minutes: number
  effect: number
  sizes: EventSizes
  isNew: boolean
  lastMs: number
}

/** The event of a kind after a report; null when there is none, or it is over. */
function nextEvent(
  event: OpenEvent | undefined,
  kind: EventKind,
  timeMs: number,
  { measured, evidence }: WeighedReport,
  { reach, before }: { reach: Reaches; before: Reaches },
): OpenEvent | null {
  const isCertain = kind !== 'joint' && reachOf(measured.strengths[kind], CERTAIN_GATE) >= 1
  const now = reach.kinds[kind]
  const gate = Math.max(isCertain ? now : 0, Math.min(now, before.kinds[kind]))
  const isActive =
    kind === 'joint' ? now >= 1 : activeKinds(evidence, measured.strengths, NEUTRAL.evidence)[kind]
  const sizes = { gate, evidence: kind === 'joint' ? NONE : evidenceOf(kind, evidence, isActive) }
  const most = Math.max(gate, ...Object.values(sizes.evidence).flatMap(({ small, large }) => [small, large]))
  const effect = kind === 'joint' ? now : measured.strengths[kind].effect
  if (event === undefined || timeMs - event.lastMs > QUIET_MINUTES * MINUTE_MS) {
    if (most < 1) return null
    const { day, minuteOfWeek } = measured.moment
    const begun = { kind, startMs: timeMs, minutes: 1, minuteOfDay: minuteOfWeek % 1440, day }
    return { ...begun, effect, sizes, isNew: true, lastMs: timeMs }
  }
  event.isNew = false
  if (!isActive && most < 1) return event
  event.lastMs = timeMs
  event.minutes = (timeMs - event.startMs) / MINUTE_MS + 1
  event.effect = Math.max(event.effect, effect)
  event.sizes = larger(event.sizes, sizes)
  return event
}

const NONE = mapChannels(() => ({ small: 0, large: 0 }))

function evidenceOf(kind: Kind, evidence: Evidence, isActive: boolean): Thresholds['evidence'] {
  if (!isActive) return NONE
  return mapChannels((channel: Channel) => {
    if (KIND_OF[channel] !== kind) return NONE[channel]
    const { small, large } = evidence[channel]
    return {
      small: evidenceReach({ small, large: small }),
      large: evidenceReach({ small: large, large }),
    }
  })
}

function larger(a: EventSizes, b: EventSizes): EventSizes {
  return {
    gate: Math.max(a.gate, b.gate),
    evidence: mapChannels((channel) => ({
      small: Math.max(a.evidence[channel].small, b.evidence[channel].small),
      large: Math.max(a.evidence[channel].large, b.evidence[channel].large),
    })),
  }
}
