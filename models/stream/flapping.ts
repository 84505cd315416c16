import type { Decision, Flapping } from '../anomaly/decision.js'
import { KINDS, mapKinds, type PerKind } from '../anomaly/kinds.js'
import type { Episode } from './episode.js'

/** Reports in a row that are anomalous in a kind. Plain JSON. */
export interface Run {
  readonly sinceMs: number
  readonly lastMs: number
  /** How many they are. */
  readonly reports: number
  /** The furthest reach of the kind. */
  readonly reach: number
}

/** The latest runs of each kind, the oldest first. They follow each other closely, and are short. */
export type Runs = PerKind<readonly Run[]>

/** What is remembered of deviations that come and go. Plain JSON. */
export interface Flaps {
  readonly runs: Runs
  /** The episode that ended last. The next run continues it. */
  readonly ended: Episode | null
}

const NO_RUNS: Runs = mapKinds(() => [])
const NO_REACH = mapKinds(() => 0)
export const NO_FLAPS: Flaps = { runs: NO_RUNS, ended: null }

/** Short runs that follow each other are flapping from this number on. */
export const MIN_RUNS = 3

/** The most reports from one run to the next. */
export const MAX_RUN_GAP = 15

/** A longer run is an incident by itself. */
export const MAX_RUN_REPORTS = 3

/** The most runs that are remembered of a kind. */
export const MAX_RUNS = 8

/**
 * The runs after a report.
 *
 * @param rowMs length of a report
 * @param reach of each kind in the report, 1 or more where it is anomalous
 */
export function runsAfter(runs: Runs, timeMs: number, rowMs: number, reach: PerKind<number>): Runs {
  if (runs === NO_RUNS && reach === NO_REACH) return NO_RUNS
  const next = mapKinds((kind) => nextRuns(runs[kind], timeMs, rowMs, reach[kind]))
  return KINDS.every((kind) => next[kind].length === 0) ? NO_RUNS : next
}

function nextRuns(runs: readonly Run[], timeMs: number, rowMs: number, reach: number): readonly Run[] {
  const last = runs.at(-1)
  const rows = last ? (timeMs - last.lastMs) / rowMs : Infinity
  if (reach < 1) return rows > MAX_RUN_GAP ? [] : runs
  const begun = { sinceMs: timeMs, lastMs: timeMs, reports: 1, reach }
  if (!last || rows > MAX_RUN_GAP) return [begun]
  if (rows >= 1.5) return last.reports > MAX_RUN_REPORTS ? [begun] : [...runs, begun].slice(-MAX_RUNS)
  const { sinceMs, reports } = last
  const longer = { sinceMs, lastMs: timeMs, reports: reports + 1, reach: Math.max(last.reach, reach) }
  return longer.reports > MAX_RUN_REPORTS ? [longer] : [...runs.slice(0, -1), longer]
}

/** The reach of each kind in which a report is anomalous by itself; 0 for the others. */
export function anomalousReach({ anomaly, kinds }: Pick<Decision, 'anomaly' | 'kinds'>): PerKind<number> {
  return anomaly ? mapKinds((kind) => (kinds[kind] >= 1 ? kinds[kind] : 0)) : NO_REACH
}

/** How often the kind that flaps most has deviated, counted to a report that is part of a run; null when none flaps. */
export function flappingAt(runs: Runs, timeMs: number, rowMs: number): Flapping | null {
  if (runs === NO_RUNS) return null
  let most: Flapping | null = null
  for (const kind of KINDS) {
    if (runs[kind].length < MIN_RUNS || runs[kind].at(-1)!.lastMs !== timeMs) continue
    const anomalous = runs[kind].reduce((sum, { reports }) => sum + reports, 0)
    const reports = Math.round((timeMs - runs[kind][0]!.sinceMs) / rowMs) + 1
    if (anomalous > (most?.anomalous ?? 0)) most = { anomalous, reports }
  }
  return most
}

/** How far a kind reaches as flapping: as far as {@link MIN_RUNS} of its runs do; 0 when there are fewer. */
export function flappingReach(runs: readonly Run[]): number {
  if (runs.length < MIN_RUNS) return 0
  return runs.map(({ reach }) => reach).sort((a, b) => b - a)[MIN_RUNS - 1]!
}

/** Whether a report is part of a run, and follows another run that ended at this time or later. */
export function followsRun(runs: readonly Run[], timeMs: number, sinceMs: number): boolean {
  return runs.at(-1)?.lastMs === timeMs && (runs.at(-2)?.lastMs ?? -Infinity) >= sinceMs
}

/** The episode that an alarm continues, since a run of it came shortly before; null when the alarm is a new one. */
export function continuedEpisode(ended: Episode | null, runs: Runs, timeMs: number): Episode | null {
  const isContinued = ended !== null && KINDS.some((kind) => followsRun(runs[kind], timeMs, ended.sinceMs))
  return isContinued ? ended : null
}

/**
 * What is remembered after a report.
 *
 * @param before the episode before the report
 * @param episode the one after it
 */
export function nextFlaps(
  ended: Episode | null,
  runs: Runs,
  before: Episode | null,
  episode: Episode | null,
): Flaps {
  if (runs === NO_RUNS) return NO_FLAPS
  return { runs, ended: episode === null ? (before ?? ended) : null }
}
