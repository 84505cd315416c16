import type { TimedInterval } from '../anomaly/measure.js'
import { SEVERITIES, type AnomalyType, type Severity } from '../anomaly/verdict.js'
import { judgeReport, type Detector } from './judge-report.js'
import type { StreamVerdict } from './stream-verdict.js'
import { Streams, type Judge } from './streams.js'

/** A report and the source that it is from. */
export interface SourceReport {
  readonly source: string
  readonly timed: TimedInterval
}

/** An alarm from its first confirmed report to its last. */
export interface ReplayedEpisode {
  readonly source: string
  readonly fromMs: number
  readonly toMs: number
  /** The type of most of its reports. */
  readonly type: AnomalyType
  /** Of its severest report; the explanation of its latest one if it flaps. */
  readonly severity: Severity
  readonly explanation: string
}

/**
 * Judges reports in the order of their times, each source as a stream that begins with them.
 *
 * @param reports any order; reports of the same time keep theirs
 * @returns one verdict for each report, in the order given, and the episodes in the order of their beginnings
 */
export function replay(
  reports: readonly SourceReport[],
  detector: Detector,
): { verdicts: StreamVerdict[]; episodes: ReplayedEpisode[] } {
  const order = [...reports.keys()].sort((a, b) => reports[a]!.timed.timeMs - reports[b]!.timed.timeMs)
  const streams = new Streams()
  const verdicts = new Array<StreamVerdict>(reports.length)
  for (const index of order) {
    const { source, timed } = reports[index]!
    const judge: Judge = (state, row) => judgeReport(state, source, row, detector)
    const rowMs = 1000 * detector.model.intervalSeconds
    verdicts[index] = streams.report(source, timed, rowMs, timed.timeMs, judge).verdict
  }
  const judged = order.map((index) => ({ ...reports[index]!, verdict: verdicts[index]! }))
  return { verdicts, episodes: episodesOf(judged) }
}

type OpenEpisode = ReplayedEpisode & { readonly counts: Map<AnomalyType, number> }

/** The episodes in verdicts. @param judged in the order of their times */
export function episodesOf(
  judged: Iterable<SourceReport & { readonly verdict: StreamVerdict }>,
): ReplayedEpisode[] {
  const open = new Map<string, OpenEpisode>()
  for (const { source, timed, verdict } of judged) {
    const { confirmed, episodeSinceMs: fromMs, type, severity, explanation, flapping } = verdict
    if (!confirmed || fromMs === null || type === null || severity === null) continue
    const key = `${fromMs} ${source}`
    const before = open.get(key)
    const counts = before?.counts ?? new Map<AnomalyType, number>()
    counts.set(type, (counts.get(type) ?? 0) + 1)
    const toMs = timed.timeMs
    const isSeverer = before && SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(before.severity)
    if (!before) open.set(key, { source, fromMs, toMs, type, severity, explanation, counts })
    else {
      const worse = { ...(isSeverer && { severity, explanation }), ...(flapping && { explanation }) }
      open.set(key, { ...before, toMs, ...worse })
    }
  }
  return [...open.values()]
    .map(({ counts, ...episode }) => ({ ...episode, type: mostFrequent(counts) }))
    .sort((a, b) => a.fromMs - b.fromMs || (a.source < b.source ? -1 : 1))
}

function mostFrequent<T>(counts: ReadonlyMap<T, number>): T {
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most))[0]
}
