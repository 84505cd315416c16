import type { TimedInterval } from '../../anomaly/measure.js'
import { knowsTheDay } from '../../anomaly/model.js'
import type { History } from '../../anomaly/regular-history.js'
import { DAY_MS } from '../../traffic/durations.js'
import type { Detector } from '../judge-report.js'
import { compareEpisodes, type EventDiff } from './compare-episodes.js'
import { followHistory, reportsOf, type FollowedHistory } from './follow-history.js'
import { isFoundBy, markedIncidents, widened, type Marks } from './marked-incidents.js'
import { learnedIncident } from './learned-incident.js'
import { findsProbe, probeRows, probesOf, type Probe } from './probes.js'
import { isNear, type TimeSpan } from './time-span.js'

/** Days before the end of the history that are replayed. */
export const REPLAYED_DAYS = 14

/** A new model beside the one before it, on the same history. Times are ms since 1970. Plain JSON. */
export interface Comparison {
  /** Version of the model before. */
  readonly against: string
  /** The first row that was replayed, and the last one. */
  readonly fromMs: number
  readonly toMs: number
  /** Alarms outside of marked incidents; `allowed` is what the alarm budget allows in that time. */
  readonly alarms: { readonly before: number; readonly after: number; readonly allowed: number }
  /** Incidents that people marked, and how many of them each model finds. */
  readonly incidents: Found & { readonly marked: number }
  /** Injected changes, and how many of them each model finds. */
  readonly probes: Found & { readonly injected: number }
  readonly events: EventDiff
  /** Why the new model is no improvement, in sentences; empty when it is none the worse. */
  readonly objections: readonly string[]
}

interface Found {
  readonly before: number
  readonly after: number
  /** How many of those that the model before finds are also found by the new one. */
  readonly still: number
}

/** The history as the model before judged it. */
export interface Past extends FollowedHistory {
  readonly history: History
  readonly marks: Marks
  /** Those of the replayed time, as marked, in order of time. */
  readonly incidents: readonly TimeSpan[]
  /** All that are marked, with the alarms of the model before, in order of time: what a new model must not learn. */
  readonly wholeIncidents: readonly TimeSpan[]
}

/** Replays the last two weeks of a history by the model before. */
export function followPast(history: History, marks: Marks, before: Detector): Past {
  const reports = reportsOf(history, before)
  const followed = followHistory(reports, before, new Set(probeRows(reports)))
  const marked = markedIncidents(marks.incidentsMs)
  const incidents = marked.filter((incident) => isNear(incident, spanOf(reports)))
  const wholeIncidents = widened(marked, followed.episodes)
  return { ...followed, history, marks, incidents, wholeIncidents }
}

/**
 * Replays the same history by a new model, and compares the two. Where they have rows of different length, each judges
 * its own.
 *
 * @param alarmBudget false alarms a week that are acceptable
 */
export function compareWithPast(past: Past, after: Detector, alarmBudget: number): Comparison {
  const reports = reportsOf(past.history, after)
  const rows = sameRows(past, reports)
  const next = followHistory(reports, after, new Set(rows.values()))
  const busy = [...past.wholeIncidents, ...past.episodes, ...next.episodes]
  const probes = probesOf([...rows.keys()], past.reports, busy)
  const span = spanOf(past.reports)
  const { fromMs, toMs } = span
  const compared = {
    against: past.detector.modelVersion,
    ...{ fromMs, toMs },
    alarms: {
      before: countOutside(past.episodes, past.wholeIncidents),
      after: countOutside(next.episodes, past.wholeIncidents),
      allowed: Math.ceil((alarmBudget / 7) * ((toMs - fromMs) / DAY_MS)),
    },
    incidents: { marked: past.incidents.length, ...foundIncidents(past, next) },
    probes: { injected: probes.length, ...foundProbes(probes, past, next, rows) },
    events: compareEpisodes(past.episodes, next.episodes, past.wholeIncidents),
  }
  const learned = learnedIncident(past, span, next)
  if (isFarYounger(past.detector, after)) return { ...compared, objections: [] }
  const objections = [...knowsTooLittle(past, span, after), ...objectionsTo({ ...compared, learned })]
  return { ...compared, objections }
}

/** A model of so few days is no measure for one that has learned from almost twice as many, or more. */
const MAX_YOUNG_DAYS = 2
const FAR_MORE = 1.8

function isFarYounger({ model: before }: Detector, { model: after }: Detector): boolean {
  return before.days < MAX_YOUNG_DAYS && after.days >= FAR_MORE * before.days
}

/** A new model has learned from at least this share of the days of the model before, or of the days that are replayed. */
export const MIN_LEARNED_DAYS = 0.5

/** Where most of a history is marked, nothing is left on which a poor model would be seen to be one. */
function knowsTooLittle({ detector }: Past, { fromMs, toMs }: TimeSpan, { model }: Detector): string[] {
  const { days } = detector.model
  if (!knowsTheDay(detector.model)) return []
  if (model.days >= MIN_LEARNED_DAYS * Math.min(days, (toMs - fromMs) / DAY_MS)) return []
  const rounded = (count: number) => Math.round(10 * count) / 10
  return [
    `It has learned from only ${rounded(model.days)} days; the model before has learned from ${rounded(days)}. Marked incidents are not learned.`,
  ]
}

/** The rows of probes, with the rows of the same times in other reports. */
function sameRows({ states, reports }: Past, others: readonly TimedInterval[]): Map<number, number> {
  let other = 0
  const rows = new Map<number, number>()
  for (const row of states.keys()) {
    while (other < others.length && others[other]!.timeMs < reports[row]!.timeMs) other++
    if (other < others.length) rows.set(row, other)
  }
  return rows
}

function spanOf(reports: readonly TimedInterval[]): TimeSpan {
  return { fromMs: reports[0]?.timeMs ?? 0, toMs: reports.at(-1)?.timeMs ?? 0 }
}

function countOutside(episodes: readonly TimeSpan[], incidents: readonly TimeSpan[]): number {
  const isInside = isFoundBy(incidents)
  return episodes.filter((episode) => !isInside(episode)).length
}

function foundIncidents({ incidents, episodes }: Past, next: FollowedHistory): Found {
  const before = incidents.filter(isFoundBy(episodes))
  const after = isFoundBy(next.episodes)
  return {
    before: before.length,
    after: incidents.filter(after).length,
    still: before.filter(after).length,
  }
}

function foundProbes(
  probes: readonly Probe[],
  past: Past,
  next: FollowedHistory,
  rows: ReadonlyMap<number, number>,
): Found {
  const found = probes.map((probe) => ({
    before: findsProbe(past, probe),
    after: findsProbe(next, { ...probe, index: rows.get(probe.index)! }),
  }))
  return {
    before: found.filter(({ before }) => before).length,
    after: found.filter(({ after }) => after).length,
    still: found.filter(({ before, after }) => before && after).length,
  }
}

/** A new model may miss so many of the injected changes that the model before finds: near the threshold, chance decides. */
export const MAX_MISSED_PROBES = 0.1

/** What speaks against a new model. */
function objectionsTo({
  alarms,
  incidents,
  probes,
  learned,
}: Pick<Comparison, 'alarms' | 'incidents' | 'probes'> & { readonly learned: TimeSpan | null }): string[] {
  const objections: string[] = []
  if (alarms.after > Math.max(alarms.before, alarms.allowed)) {
    objections.push(
      `It raises ${alarms.after} alarms in the replayed time; the model before raises ${alarms.before}, and ALARM_BUDGET allows ${alarms.allowed}.`,
    )
  }
  if (incidents.still < incidents.before) {
    objections.push(
      `It misses ${incidents.before - incidents.still} of the ${incidents.before} marked incidents that the model before finds.`,
    )
  }
  if (probes.still < (1 - MAX_MISSED_PROBES) * probes.before) {
    objections.push(
      `It finds only ${probes.still} of the ${probes.before} injected changes that the model before finds.`,
    )
  }
  if (learned) {
    const since = new Date(learned.fromMs).toISOString()
    objections.push(
      `It takes the incident of ${since} for usual, about which nobody has decided. Acknowledge it, or mark it as a false positive.`,
    )
  }
  return objections
}
