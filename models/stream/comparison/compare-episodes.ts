import { SEVERITIES } from '../../anomaly/verdict.js'
import { MINUTE_MS } from '../../traffic/durations.js'
import type { ReplayedEpisode } from '../replay.js'
import { isFoundBy } from './marked-incidents.js'
import { isNear, type TimeSpan } from './time-span.js'

/** Alarms of two models that are at most so far apart are about the same event. */
export const SAME_EVENT_MS = 3 * MINUTE_MS

/** The most events that are listed. */
export const MAX_LISTED = 300

const MAX_EXPLANATION = 300

/** What a model said of an event: its first minute with an alarm, its last one, and the severest alarm. */
export type EventAlarm = Omit<ReplayedEpisode, 'source'>

/** Something that at least one of two models raised alarms about. */
export interface ComparedEvent {
  /** Of the model before; null when it raised none. */
  readonly before: EventAlarm | null
  /** Of the new model; null when it raised none. */
  readonly after: EventAlarm | null
  /** Whether people marked it as an incident. */
  readonly marked: boolean
}

/** The events of two models, each counted once. */
export interface EventDiff {
  readonly onlyBefore: number
  readonly onlyAfter: number
  readonly both: number
  /** In order of time; at most {@link MAX_LISTED}: those on which the models differ come first, then the newest. */
  readonly listed: readonly ComparedEvent[]
}

/**
 * Compares the episodes of two models on the same history. Episodes that overlap belong to the same event. O(n log n).
 *
 * @param incidents that people marked
 */
export function compareEpisodes(
  before: readonly ReplayedEpisode[],
  after: readonly ReplayedEpisode[],
  incidents: readonly TimeSpan[],
): EventDiff {
  const isMarked = isFoundBy(incidents)
  const events = eventsOf(before, after).map((event): ComparedEvent => ({
    before: alarmOf(event.before),
    after: alarmOf(event.after),
    marked: isMarked(event),
  }))
  const onlyBefore = events.filter((event) => event.after === null)
  const onlyAfter = events.filter((event) => event.before === null)
  const both = events.filter((event) => event.before !== null && event.after !== null)
  const chosen = new Set([...newest([...onlyBefore, ...onlyAfter]), ...newest(both)].slice(0, MAX_LISTED))
  return {
    ...{ onlyBefore: onlyBefore.length, onlyAfter: onlyAfter.length, both: both.length },
    listed: events.filter((event) => chosen.has(event)),
  }
}

interface Event extends TimeSpan {
  toMs: number
  readonly before: ReplayedEpisode[]
  readonly after: ReplayedEpisode[]
}

function eventsOf(before: readonly ReplayedEpisode[], after: readonly ReplayedEpisode[]): Event[] {
  const episodes = [
    ...before.map((episode) => ({ episode, side: 'before' as const })),
    ...after.map((episode) => ({ episode, side: 'after' as const })),
  ].sort((a, b) => a.episode.fromMs - b.episode.fromMs)
  const events: Event[] = []
  for (const { episode, side } of episodes) {
    let event = events.at(-1)
    // Two episodes of the same model are two events, unless one of the other model spans both.
    const isApart = event && event[side].length > 0 && event[other(side)].length === 0
    if (!event || isApart || !isNear(event, episode, SAME_EVENT_MS)) {
      event = { fromMs: episode.fromMs, toMs: episode.toMs, before: [], after: [] }
      events.push(event)
    }
    event[side].push(episode)
    event.toMs = Math.max(event.toMs, episode.toMs)
  }
  return events
}

const other = (side: 'before' | 'after') => (side === 'before' ? 'after' : 'before')

function alarmOf(episodes: readonly ReplayedEpisode[]): EventAlarm | null {
  if (episodes.length === 0) return null
  const rank = ({ severity }: ReplayedEpisode) => SEVERITIES.indexOf(severity)
  const { type, severity, explanation } = episodes.reduce((a, b) => (rank(b) > rank(a) ? b : a))
  return {
    fromMs: Math.min(...episodes.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...episodes.map(({ toMs }) => toMs)),
    ...{ type, severity, explanation: explanation.slice(0, MAX_EXPLANATION) },
  }
}

function newest(events: readonly ComparedEvent[]): ComparedEvent[] {
  const startOf = ({ before, after }: ComparedEvent) => (before ?? after)!.fromMs
  return [...events].sort((a, b) => startOf(b) - startOf(a))
}
