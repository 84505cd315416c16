import { KINDS, type Kind } from '../anomaly/kinds.js'
import type { AnomalyType } from '../anomaly/verdict.js'
import { localTimeOf } from '../seasonality/local-time.js'
import { HOUR_MS } from '../traffic/durations.js'
import type { BookState } from './book-state.js'
import {
  deviationSizes,
  harmOfSizes,
  largerSizes,
  MIN_SIZES,
  similarShare,
  similarSizes,
  sizesByChance,
  type DeviationSizes,
} from './deviation-size.js'
import { isOfMuted } from './muted-gateway.js'
import type { Series, SeriesAlarm, SeriesMinute } from './series-minute.js'

/** How a series deviated during an incident. Plain JSON. */
export interface Deviation {
  readonly series: Series
  /** The types of its alarms. */
  readonly types: readonly AnomalyType[]
  /** The largest deviation of each kind in a minute with an alarm. */
  readonly sizes: DeviationSizes
  /** The largest harm in such a minute, 0…1. */
  readonly harm: number
}

/** Somebody said that an incident was none: similar deviations raise no alarm. */
export interface Feedback {
  /** When the incident began and ended, ms since 1970: this gives the hours of the day. */
  readonly startedMs: number
  readonly endedMs: number
  /** It applies to minutes that begin from the first time on and before the second. */
  readonly fromMs: number
  readonly toMs: number
  readonly deviations: readonly Deviation[]
  /** The number of the incident in the book; null where it is of no book. */
  readonly bookNumber: number | null
}

/** Days for which feedback applies. */
export const FEEDBACK_DAYS = 30

/** The deviations of an incident: of each series that had an alarm, in the order in which they come. O(n). */
export function deviationsOf(minutes: readonly SeriesMinute[]): Deviation[] {
  const found = new Map<string, Deviation>()
  for (const minute of minutes) {
    const { series, alarm } = minute
    if (alarm === null) continue
    const sizes = deviationSizes(minute)
    const harm = harmOfSizes(sizes)
    const before = found.get(keyOf(series)) ?? { series, types: [], sizes, harm: 0 }
    const { types } = before
    found.set(keyOf(series), {
      series,
      types: types.includes(alarm.type) ? types : [...types, alarm.type],
      sizes: largerSizes(before.sizes, sizes),
      harm: Math.max(before.harm, harm),
    })
  }
  return [...found.values()]
}

/** Feedback by series, so that a minute is only compared with that of its own. */
export type FeedbackIndex = ReadonlyMap<string, readonly SeriesFeedback[]>

interface SeriesFeedback {
  readonly fromMs: number
  readonly toMs: number
  readonly hours: ReadonlySet<number>
  readonly deviation: Deviation
  readonly limits: DeviationSizes
  readonly hourOf: (timeMs: number) => number
}

export const NO_FEEDBACK: FeedbackIndex = new Map()

/** @throws RangeError when the time zone is unknown */
export function indexFeedback(feedback: readonly Feedback[], timeZone: string): FeedbackIndex {
  const index = new Map<string, SeriesFeedback[]>()
  const hourOf = hourIn(timeZone)
  for (const each of feedback) {
    const { fromMs, toMs, deviations } = each
    const hours = new Set(hoursOf(each, timeZone))
    for (const deviation of deviations) {
      const key = keyOf(deviation.series)
      const limits = similarSizes(deviation.sizes)
      const entry = { fromMs, toMs, hours, deviation, limits, hourOf }
      const others = index.get(key)
      if (others) others.push(entry)
      else index.set(key, [entry])
    }
  }
  return index
}

/**
 * Whether feedback mutes the alarm of a minute. It does when, in the same series and within an hour of the time of the day,
 * - every kind of the alarm is one of the marked kinds;
 * - no kind deviates by more than what is similar, see `similarSizes`. In kinds that the alarm is not about, what chance
 *   explains does not count;
 * - a critical alarm harms no more than what is similar.
 *
 * False without an alarm. O(feedback of the series).
 */
export function isMuted(minute: SeriesMinute, feedback: FeedbackIndex): boolean {
  const { alarm, timeMs } = minute
  const own = feedback.get(keyOf(minute.series))
  if (alarm === null || own === undefined) return false
  return own.some(
    ({ fromMs, toMs, hours, hourOf, deviation, limits }) =>
      timeMs >= fromMs &&
      timeMs < toMs &&
      hours.has(hourOf(timeMs)) &&
      isSimilar(minute, alarm, deviation, limits),
  )
}

function isSimilar(
  minute: SeriesMinute,
  alarm: SeriesAlarm,
  marked: Deviation,
  limits: DeviationSizes,
): boolean {
  const sizes = deviationSizes(minute)
  const kinds = kindsOf([alarm.type], sizes)
  if (!isKnownKind([alarm.type], sizes, marked)) return false
  const chance = sizesByChance(minute)
  const isLarger = KINDS.some((kind) =>
    kinds.includes(kind) ? !(sizes[kind] <= limits[kind]) : sizes[kind] - chance[kind] > limits[kind],
  )
  return !isLarger && (alarm.severity !== 'critical' || harmOfSizes(sizes) <= similarShare(marked.harm))
}

/** The kinds of alarms: of those that are about several, the kinds whose deviation matters. */
function kindsOf(types: readonly AnomalyType[], sizes: DeviationSizes): readonly Kind[] {
  const isJoint = types.includes('multi_dimensional')
  return KINDS.filter((kind) => types.includes(kind) || (isJoint && sizes[kind] >= MIN_SIZES[kind]))
}

/** Whether alarms are about marked kinds only. An alarm without a kind, such as a pattern, needs its own type among the marked ones. */
function isKnownKind(types: readonly AnomalyType[], sizes: DeviationSizes, marked: Deviation): boolean {
  const known = kindsOf(marked.types, marked.sizes)
  return types.every((type) => {
    const kinds = kindsOf([type], sizes)
    return kinds.length > 0 ? kinds.every((kind) => known.includes(kind)) : marked.types.includes(type)
  })
}

/**
 * The minutes of a round, without the alarms that feedback mutes. An alarm of the gateway is muted too when nothing of it
 * is left without the endpoints whose alarms are muted, see `isOfMuted`. So is an alarm of an endpoint that deviates as the
 * gateway does whose alarm is muted. O(minutes + feedback of their series).
 */
export function withoutMuted(
  minutes: readonly SeriesMinute[],
  feedback: FeedbackIndex,
): readonly SeriesMinute[] {
  if (feedback.size === 0) return minutes
  const muted = new Set(minutes.filter((minute) => isMuted(minute, feedback)))
  if (muted.size === 0) return minutes
  for (const minute of likeGateway(minutes, muted, feedback)) muted.add(minute)
  const endpoints = [...muted].filter(({ series }) => series.kind === 'endpoint')
  return minutes.map((minute) => {
    const isQuiet = muted.has(minute) || (minute.series.kind === 'gateway' && isOfMuted(minute, endpoints))
    return isQuiet ? { ...minute, alarm: null } : minute
  })
}

/**
 * The endpoints that deviate as the gateway as a whole does, when its alarm is muted: they are part of that. Larger deviations
 * than feedback on the gateway mutes are not.
 */
function likeGateway(
  minutes: readonly SeriesMinute[],
  muted: ReadonlySet<SeriesMinute>,
  feedback: FeedbackIndex,
): readonly SeriesMinute[] {
  const gateway = minutes.filter((minute) => minute.series.kind === 'gateway' && muted.has(minute))
  const [whole] = deviationsOf(gateway)
  if (whole === undefined) return []
  const limits = similarSizes(whole.sizes)
  return minutes.filter(
    (minute) =>
      minute.series.kind === 'endpoint' &&
      minute.alarm !== null &&
      isSimilar(minute, minute.alarm, whole, limits) &&
      isMuted({ ...minute, series: whole.series }, feedback),
  )
}

/**
 * The book without the incidents that feedback is about, from the time of that feedback on: what is larger than feedback
 * mutes is an incident of its own, also right after the mark.
 */
export function withoutMarked(book: BookState, feedback: readonly Feedback[], timeMs: number): BookState {
  const marked = new Set(
    feedback
      .filter(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs)
      .map(({ bookNumber }) => bookNumber),
  )
  const open = book.open.filter(({ number }) => !marked.has(number))
  return open.length === book.open.length ? book : { ...book, open }
}

/** An incident as it is compared with feedback. */
export interface PastIncident {
  readonly startedMs: number
  readonly endedMs: number
  readonly isCritical: boolean
  /** Without any, nothing is known of it. */
  readonly deviations: readonly Deviation[]
}

/** Whether feedback would have muted a whole incident, by what its series showed at most. */
export function wouldMute(
  feedback: Pick<Feedback, 'startedMs' | 'endedMs' | 'deviations'>,
  incident: PastIncident,
  timeZone: string,
): boolean {
  const { isCritical, deviations } = incident
  if (deviations.length === 0 || !isInHours(feedback, incident, timeZone)) return false
  return deviations.every(({ series, types, sizes, harm }) => {
    const marked = feedback.deviations.find((each) => keyOf(each.series) === keyOf(series))
    if (marked === undefined || !isKnownKind(types, sizes, marked)) return false
    const limits = similarSizes(marked.sizes)
    const isHarmless = !isCritical || harm <= similarShare(marked.harm)
    return isHarmless && KINDS.every((kind) => sizes[kind] <= limits[kind])
  })
}

type Span = Pick<Feedback, 'startedMs' | 'endedMs'>

/** Whether an incident was in the hours of the day that feedback applies to. */
export function isInHours(feedback: Span, incident: Span, timeZone: string): boolean {
  const hours = hoursOf(feedback, timeZone)
  return spanOfHours(incident, timeZone).every((hour) => hours.includes(hour))
}

/** Feedback that applies now, as if it applied at all times: for judging the past as it would be judged today. */
export function ofAllTimes(feedback: readonly Feedback[], nowMs: number): Feedback[] {
  const active = feedback.filter(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs)
  return active.map((each) => ({ ...each, fromMs: -Infinity, toMs: Infinity, bookNumber: null }))
}

const keyOf = ({ kind, name }: Series) => `${kind} ${name}`

/** The hours of the day, 0…23, that feedback on an incident applies to: its own, the one before and the one after. */
export function hoursOf(incident: Span, timeZone: string): number[] {
  const own = spanOfHours(incident, timeZone)
  const near = new Set(own.flatMap((hour) => [(hour + 23) % 24, hour, (hour + 1) % 24]))
  return [...near].sort((a, b) => a - b)
}

const QUARTER_MS = HOUR_MS / 4

function spanOfHours({ startedMs, endedMs }: Span, timeZone: string): number[] {
  const hourOf = hourIn(timeZone)
  // Offsets of time zones are whole quarters of an hour. After a day, all hours are known.
  const lastMs = Math.min(Math.max(startedMs, endedMs - 1), startedMs + 25 * HOUR_MS)
  const hours = new Set([hourOf(lastMs)])
  for (let timeMs = startedMs; timeMs <= lastMs; timeMs += QUARTER_MS) hours.add(hourOf(timeMs))
  return [...hours]
}

function hourIn(timeZone: string): (timeMs: number) => number {
  const localTime = localTimeOf(timeZone)
  return (timeMs) => Math.floor((localTime(timeMs).minuteOfWeek % 1440) / 60)
}
