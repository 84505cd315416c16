import type { LeastEffects } from '../anomaly/effects.js'
import { mapChannels, mapKinds, type Channel, type Kind } from '../anomaly/kinds.js'
import type { ScoreRows, TimedInterval } from '../anomaly/measure.js'
import { NEUTRAL, type Thresholds } from '../anomaly/thresholds.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { blockMaxima, type BlockMaxima } from './block-maxima.js'
import type { Clock } from './clock.js'
import { intervalOf, NO_REQUESTS } from './endpoint-minute.js'
import { fitEndpoint } from './fit-endpoint.js'
import { isLeftOut, type EndpointHistory } from './history.js'
import { levelOfMaxima } from './tail-of-maxima.js'
import { endpointModel, watchedEndpoint, type WatchModel } from './watch-model.js'

/** Parts of the days that are held out in turn. It is prime to seven, so that no part has all Mondays. */
const PARTS = 3

/** Endpoints that are replayed at most: those in which something recurs, and others at even distances. */
const MAX_REPLAYED = { eventful: 24, others: 24 }

/** Days with events from which on something recurs in an endpoint. */
const RECURRENT_DAYS = 3

/** How far the held-out days of an endpoint reach. */
export interface ReplayedEndpoint {
  readonly endpoint: string
  readonly days: readonly BlockMaxima[]
}

/**
 * The endpoints whose history is to be replayed. With up to as many as {@link MAX_REPLAYED}, it is all that have a week.
 * @returns names, in the order of the model
 */
export function endpointsToReplay({ endpoints }: WatchModel): string[] {
  const known = [...endpoints.values()].filter(({ minutes }) => minutes >= MIN_MINUTES)
  const eventful = known
    .filter(({ eventDays }) => eventDays >= RECURRENT_DAYS)
    .sort((a, b) => b.eventDays - a.eventDays || (a.endpoint < b.endpoint ? -1 : 1))
    .slice(0, MAX_REPLAYED.eventful)
  const chosen = new Set(eventful.map(({ endpoint }) => endpoint))
  const others = known.filter(({ endpoint }) => !chosen.has(endpoint))
  const count = Math.min(MAX_REPLAYED.others, others.length)
  for (let k = 0; k < count; k++) chosen.add(others[Math.floor((k * others.length) / count)]!.endpoint)
  return [...endpoints.keys()].filter((endpoint) => chosen.has(endpoint))
}

/** Minutes of history of an endpoint that is replayed. */
const MIN_MINUTES = 7 * 1440

/**
 * Judges the days of an endpoint by what the other days expect: a third of the days is held out, and each of them is
 * followed as a stream that raises no alarm. If something would have been an alarm, the other two thirds follow.
 */
export function replayEndpoint(
  watch: WatchModel,
  clock: Clock,
  history: EndpointHistory,
  effects: LeastEffects,
  score: ScoreRows,
): ReplayedEndpoint {
  const days = daysOf(clock, history)
  const held = (part: number): BlockMaxima[] => {
    const fit = fitEndpoint(clock, history, (day) => day % PARTS !== part)
    const model = endpointModel({ ...watch, thresholds: NEUTRAL }, watchedEndpoint(fit, watch.typical))
    return days
      .filter(({ day, reports }) => day % PARTS === part && reports.length >= MIN_REPORTS)
      .map(({ reports }) => blockMaxima(reports, model, effects, score))
  }
  const first = held(0)
  const isCalm = first.every((maxima) => KINDS_OF_MAXIMA.every((size) => size(maxima) < 1))
  return { endpoint: history.endpoint, days: isCalm ? first : [...first, ...held(1), ...held(2)] }
}

/** A day with fewer reports is no block. */
const MIN_REPORTS = 720

const KINDS_OF_MAXIMA: readonly ((maxima: BlockMaxima) => number)[] = [
  ({ gates }) => Math.max(...Object.values(gates)),
  ({ joint }) => joint,
  ({ evidence }) => Math.max(...Object.values(evidence).flatMap(({ small, large }) => [small, large])),
]

/** The reports of each local day. */
function daysOf(clock: Clock, history: EndpointHistory): { day: number; reports: TimedInterval[] }[] {
  const { startMs, nMinutes, isKnown, days, nDays } = clock
  const byDay = Array.from({ length: nDays }, (_, day) => ({ day, reports: [] as TimedInterval[] }))
  let row = 0
  for (let i = 0; i < nMinutes; i++) {
    const timeMs = startMs + i * MINUTE_MS
    while (row < history.timesMs.length && history.timesMs[row]! < timeMs) row++
    if (isKnown[i] === 0 || timeMs < history.firstSeenMs || isLeftOut(history, timeMs)) continue
    const isSeen = history.timesMs[row] === timeMs
    const minute = isSeen
      ? {
          requests: history.requests[row]!,
          failed: history.failed[row]!,
          avgMs: history.avgMs[row]!,
          p95Ms: history.p95Ms[row]!,
          p99Ms: history.p99Ms[row]!,
        }
      : NO_REQUESTS
    byDay[days[i]!]!.reports.push({ interval: intervalOf(minute), timeMs })
  }
  return byDay
}

/** Ways to an alarm that share the budget: sums of evidence of six channels for two changes. */
const WAYS = 12

/**
 * The model with thresholds for all endpoints together: the alarm budget is the gateway's, however many endpoints it has.
 * The largest evidence of each day of each replayed endpoint (block maxima) gives the level that all endpoints together
 * exceed as seldom as the budget allows. What recurs in an endpoint on several days raises its own thresholds.
 *
 * @param alarmBudget false alarms a week of all endpoints together, above 0
 */
export function calibrateWatch(
  watch: WatchModel,
  replayed: readonly ReplayedEndpoint[],
  alarmBudget: number,
): WatchModel {
  const blocks = replayed.flatMap(({ days }) => days)
  const p = alarmBudget / 7 / WAYS / Math.max(1, watch.endpoints.size)
  const evidence = (channel: Channel, change: 'small' | 'large') => {
    const maxima = blocks.map((block) => block.evidence[channel][change])
    return Math.min(MAX_FACTOR, Math.max(1, levelOfMaxima(maxima, p)))
  }
  const shared: Thresholds = {
    ...NEUTRAL,
    evidence: mapChannels((channel) => ({
      small: evidence(channel, 'small'),
      large: evidence(channel, 'large'),
    })),
  }
  const endpoints = new Map(watch.endpoints)
  for (const { endpoint, days } of replayed) {
    const known = endpoints.get(endpoint)
    if (known) endpoints.set(endpoint, { ...known, thresholds: ownThresholds(days) })
  }
  return { ...watch, thresholds: shared, endpoints }
}

/** The largest factor on a threshold: what needs more is not watched by it. */
const MAX_FACTOR = 6

/** What recurs may be a little larger than what was seen, and belongs to what recurs when it is not much larger. */
const MARGIN = 1.2
const ALIKE = 1.4

function ownThresholds(days: readonly BlockMaxima[]): Thresholds {
  const factor = (size: (maxima: BlockMaxima) => number) => {
    const sizes = days.map(size).sort((a, b) => b - a)
    const recurrent = sizes[RECURRENT_DAYS - 1] ?? 0
    if (!(recurrent >= 1)) return 1
    const largest = sizes.find((each) => each <= ALIKE * recurrent) ?? recurrent
    return Math.min(MAX_FACTOR, MARGIN * largest)
  }
  return {
    gates: mapKinds((kind: Kind) => factor(({ gates }) => gates[kind])),
    joint: factor(({ joint }) => joint),
    evidence: mapChannels((channel) => ({
      small: factor(({ evidence }) => evidence[channel].small),
      large: factor(({ evidence }) => evidence[channel].large),
    })),
  }
}
