import { DAY_MS, HOUR_MS } from '../../traffic/durations.js'
import { judgeAlone } from '../judge-report.js'
import type { FollowedHistory } from './follow-history.js'
import { isFoundBy, markedIncidents, type Marks } from './marked-incidents.js'
import type { TimeSpan } from './time-span.js'

/** A severe alarm of these days may be an incident that goes on. */
export const NEWEST_DAYS = 3

/** It has lasted at least so long that a model can learn it. */
export const MIN_LEARNED_MS = HOUR_MS

/** Where such alarms were at least this often, as a share of those of the newest days, they say nothing. */
export const MAX_EARLIER_SHARE = 1 / 3

/** A new model that calls a smaller share of those rows anomalous has begun to learn them. */
export const MIN_STILL_ANOMALOUS = 0.8

/**
 * A long, severe alarm of the newest days about which nobody has decided, and whose rows the new model takes for usual;
 * null without one. Each row is judged by itself, since a stream gets used to an incident of hours. Where the model before
 * raises such alarms on earlier days too, they say nothing.
 *
 * @param before the history as the model before judged it, and what people marked
 * @param span of the history
 */
export function learnedIncident(
  before: FollowedHistory & { readonly marks: Marks },
  { fromMs, toMs }: TimeSpan,
  after: FollowedHistory,
): TimeSpan | null {
  const newestMs = toMs - NEWEST_DAYS * DAY_MS
  const earlierDays = (newestMs - fromMs) / DAY_MS
  if (earlierDays < 1) return null
  const { incidentsMs, falsePositivesMs } = before.marks
  const isDecided = isFoundBy([...markedIncidents(incidentsMs), ...markedIncidents(falsePositivesMs)])
  const severe = before.episodes.filter(
    (episode) =>
      (episode.severity === 'high' || episode.severity === 'critical') &&
      episode.toMs - episode.fromMs >= MIN_LEARNED_MS &&
      !isDecided(episode),
  )
  const newest = severe.filter((episode) => episode.toMs >= newestMs)
  const earlierRate = (severe.length - newest.length) / earlierDays
  if (earlierRate > (MAX_EARLIER_SHARE * newest.length) / NEWEST_DAYS) return null
  return newest.find((episode) => isLearned(episode, before, after)) ?? null
}

function isLearned({ fromMs }: TimeSpan, before: FollowedHistory, after: FollowedHistory): boolean {
  const anomalous = anomalousSince(fromMs, before)
  if (anomalous.size === 0) return false
  // Rows of the new model may be longer or shorter, and need not begin with a minute: what counts is the share of the time.
  const rowMs = after.detector.model.intervalSeconds * 1000
  const rowOf = (timeMs: number) => Math.floor(timeMs / rowMs)
  const found = new Set(Array.from(anomalousSince(fromMs, after), rowOf))
  const still = [...anomalous].filter((timeMs) => found.has(rowOf(timeMs)))
  return still.length < MIN_STILL_ANOMALOUS * anomalous.size
}

/** The times of the rows since a time that a model calls anomalous by themselves. */
function anomalousSince(fromMs: number, { reports, detector }: FollowedHistory): Set<number> {
  const since = reports.filter(({ timeMs }) => timeMs >= fromMs)
  const verdicts = judgeAlone(since, detector)
  return new Set(since.filter((_, i) => verdicts[i]!.anomaly).map(({ timeMs }) => timeMs))
}
