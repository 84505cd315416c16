import type { LeastEffects } from '../../anomaly/effects.js'
import { KIND_OF, KINDS, mapChannels, mapKinds, type Channel, type Kind } from '../../anomaly/kinds.js'
import { timedIntervals, type ScoreRows } from '../../anomaly/measure.js'
import { heldOutModels } from '../../anomaly/held-out-models.js'
import { knowsTheDay, type AnomalyModel } from '../../anomaly/model.js'
import { regularHistory, type History } from '../../anomaly/regular-history.js'
import type { Thresholds } from '../../anomaly/thresholds.js'
import { DAY_MS } from '../../traffic/durations.js'
import { ENOUGH } from '../evidence.js'
import { EvidencePeakObserver } from './evidence-peaks.js'
import { EVENT_KINDS, NEVER, observeEvents, type EventKind, type ObservedEvent } from './observed-events.js'
import { recurrentEvents } from './recurrent-events.js'
import { peakBound, upperBound } from './tail.js'

/** False alarms a week. */
export const DEFAULT_ALARM_BUDGET = 0.5

export interface CalibrationOptions {
  readonly effects: LeastEffects
  /** False alarms a week that are acceptable, above 0. */
  readonly alarmBudget: number
  /** Of the model's forest. */
  readonly score: ScoreRows
  /** Rows that are known to be incidents, ms since 1970; none, when left out. They do not count. */
  readonly incidentsMs?: readonly number[]
}

/**
 * The model with thresholds that its own history would have kept: three times, the expected values of a third of the days
 * are fitted to the other days, and those days are followed as a stream. What would have been an alarm again and again is
 * usual for this gateway; the thresholds are such that it raises no more alarms than the budget allows. What would have
 * been an alarm seldom may have been an incident, and does not count.
 *
 * A history that does not show a rhythm of the day gives neutral thresholds.
 */
export function calibrate(history: History, model: AnomalyModel, options: CalibrationOptions): AnomalyModel {
  if (!knowsTheDay(model)) return model
  const { effects, alarmBudget, score, incidentsMs = [] } = options
  const rows = regularHistory(history, model.intervalSeconds)
  const reports = timedIntervals(rows)
  const rowMs = rows.intervalSeconds * 1000
  const days = (reports.length * rowMs) / DAY_MS
  const models = heldOutModels(rows, { ...model, thresholds: NEVER })
  const observer = new EvidencePeakObserver()
  const events = observeEvents(reports, models, effects, score, observer).filter(
    ({ startMs, rows: length }) =>
      !incidentsMs.some((timeMs) => timeMs >= startMs && timeMs < startMs + length * rowMs),
  )
  const usual = EVENT_KINDS.map((kind): [EventKind, ObservedEvent[]] => [
    kind,
    recurrentEvents(
      events.filter((event) => event.kind === kind),
      days,
    ),
  ])
  const allowed = (alarmBudget / 7) * days
  const thresholds = thresholdsOf(new Map(usual), allowed)
  const evidence = mapChannels((channel) => {
    const { small, large } = thresholds.evidence[channel]
    const peaks = observer.peaks[channel]
    const bound = (of: readonly number[]) => peakBound(of, allowed / KINDS.length, days) / ENOUGH
    return { small: Math.max(small, bound(peaks.small)), large: Math.max(large, bound(peaks.large)) }
  })
  return { ...model, thresholds: { ...thresholds, evidence } }
}

/** @param allowed alarms in the whole history */
function thresholdsOf(usual: ReadonlyMap<EventKind, readonly ObservedEvent[]>, allowed: number): Thresholds {
  const kinds = [...usual.values()].filter((events) => events.length > 0).length
  const factor = (kind: EventKind, size: (event: ObservedEvent) => number): number => {
    const events = usual.get(kind)!
    // An alarm comes from a gate or from evidence, so each has half of what is allowed.
    return Math.max(1, upperBound(events.map(size), allowed / kinds / 2 / events.length))
  }
  const gate = (kind: EventKind) => factor(kind, ({ sizes }) => sizes.gate)
  const evidence = (channel: Channel, change: 'small' | 'large') =>
    factor(KIND_OF[channel], ({ sizes }) => sizes.evidence[channel][change])
  return {
    gates: mapKinds((kind: Kind) => gate(kind)),
    joint: gate('joint'),
    evidence: mapChannels((channel) => ({
      small: evidence(channel, 'small'),
      large: evidence(channel, 'large'),
    })),
  }
}
