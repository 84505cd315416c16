import type { Kind } from '../../models/anomaly/kinds.js'
import { alarmsOf, type Alarm } from './alarms.js'
import { describe, kindsOf, type Change } from './change.js'
import type { Judged } from './contenders.js'
import type { Size } from './incidents.js'
import { stamp, worstOf } from './worst-minute.js'
import { type JudgedWeek, type World } from './world.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** Minutes after its end in which a small incident may still be found, and in which an alarm is not false. */
const LATE = { large: 0, small: 10 }
const TOLERANCE = 15
/** Minutes after an incident that are neither for nor against a ranking. */
const IGNORED = 10

/** What became of an incident. */
export interface IncidentResult {
  readonly name: string
  readonly kinds: readonly Kind[]
  readonly found: boolean
  /** Minutes from its start to the alarm; NaN when it was not found. */
  readonly delay: number
  /** The type that most minutes of the alarm name. */
  readonly type: string | null
  /** For people: when, what, how much, and its worst minute. */
  readonly text: string
}

/** A week as one contender judged it. Plain data. */
export interface WeekResult {
  readonly contender: string
  readonly size: Size
  readonly gateway: string
  readonly seed: number
  readonly days: number
  readonly incidents: readonly IncidentResult[]
  readonly alarms: number
  /** For people, one each. */
  readonly falseAlarms: readonly string[]
  /** Of each minute that counts for the ranking. */
  readonly ranks: Float32Array
  readonly positive: Uint8Array
  /** Of each anomalous minute that counts: how sure it was, and whether it was right. */
  readonly confidences: Float32Array
  readonly right: Uint8Array
}

type ScoredWorld = Pick<World, 'gateway' | 'seed' | 'startMs'> & { readonly rowSeconds?: number }

/**
 * Compares the alarms of a contender with the incidents.
 * @param ignored incidents that cannot be found; an alarm on them does not count as false
 */
export function scoreWeek(
  contender: string,
  size: Size,
  { gateway, seed, startMs, rowSeconds = 60 }: ScoredWorld,
  { incidents, nuisances }: JudgedWeek,
  judged: readonly Judged[],
  ignored: readonly Change[] = [],
): WeekResult {
  const rowMinutes = Math.max(1, rowSeconds / 60)
  const late = Math.max(LATE[size], rowMinutes > 1 ? rowMinutes : 0)
  const alarms = alarmsOf(judged, rowMinutes * MINUTE_MS)
  const atMs = (minute: number) => startMs + minute * MINUTE_MS
  const overlaps =
    ({ start, end }: Change, late: number) =>
    (alarm: Alarm) =>
      alarm.startMs < atMs(end + late) && alarm.endMs > atMs(start)
  const excused = [...incidents, ...ignored]
  const isFalse = (alarm: Alarm) =>
    !excused.some((incident) => overlaps(incident, Math.max(TOLERANCE, 2 * rowMinutes))(alarm))
  const within = ({ start, end }: Change, late: number, timeMs: number) =>
    timeMs >= atMs(start) && timeMs < atMs(end + late)
  const counted = judged.filter(
    ({ timeMs }) =>
      incidents.some((each) => within(each, 0, timeMs)) ||
      !excused.some((each) => within(each, Math.max(IGNORED, rowMinutes), timeMs)),
  )
  const isPositive = ({ timeMs }: Judged) => Number(incidents.some((each) => within(each, 0, timeMs)))
  const spoken = counted.filter(({ verdict }) => verdict?.anomaly === true)
  return {
    contender,
    size,
    gateway,
    seed,
    days: (judged.length * rowSeconds) / 86_400,
    incidents: incidents.map((incident): IncidentResult => {
      const mine = alarms.filter(overlaps(incident, late))
      const until = judged.filter(({ timeMs }) => within(incident, late, timeMs))
      const first = until.find(({ alarmed }) => alarmed)
      const found = mine.length > 0 && first !== undefined
      return {
        name: incident.name,
        kinds: kindsOf(incident),
        found,
        delay: found ? (first.timeMs - atMs(incident.start)) / MINUTE_MS : NaN,
        type: majority(until.filter(({ alarmed }) => alarmed)),
        text: `${gateway}/${seed} ${stamp(atMs(incident.start))} ${describe(incident)}; ${worstOf(until)}`,
      }
    }),
    alarms: alarms.length,
    falseAlarms: alarms.filter(isFalse).map((alarm) => {
      const during = nuisances.filter((each) => overlaps(each, 60)(alarm)).map(describe)
      const minutes = Math.round((alarm.endMs - alarm.startMs) / MINUTE_MS)
      const type = majority(alarm.minutes)
      return `${gateway}/${seed} ${stamp(alarm.startMs)} ${type}, ${minutes} min${during.length > 0 ? ` (${during.join('; ')})` : ''}; ${worstOf(alarm.minutes)}`
    }),
    ranks: Float32Array.from(counted, ({ rank }) => rank),
    positive: Uint8Array.from(counted, isPositive),
    confidences: Float32Array.from(spoken, ({ verdict }) => verdict!.confidence),
    right: Uint8Array.from(spoken, isPositive),
  }
}

function majority(minutes: readonly Judged[]): string | null {
  const counts = new Map<string, number>()
  for (const { verdict } of minutes) {
    if (verdict?.type) counts.set(verdict.type, (counts.get(verdict.type) ?? 0) + 1)
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null
}
