import { DAY_MS } from '../../models/traffic/durations.js'
import { findingsOf, type Findings } from './alarms.js'
import { SERVICE_SCORE, type JudgedSeries } from './judge-series.js'
import { nabScore, normalised } from './nab-score.js'
import { REFERENCES } from './references.js'
import { firstJudged } from './walk-forward.js'

/** How well a contender finds the windows of some series. */
export interface Figures {
  readonly windows: number
  readonly found: number
  readonly falseAlarms: number
  /** Those that are judged, without the probation. */
  readonly days: number
  /** NaN without windows. */
  readonly f1: number
  /** 100 is perfect, 0 is that of no alarms; NaN without windows. */
  readonly nab: number
}

export const SERVICE = 'service'
export const CONTENDERS = [SERVICE, SERVICE_SCORE, ...Object.keys(REFERENCES)]

/** The figures of each contender on each set, and over all. */
export interface SetFigures {
  readonly set: string
  readonly contenders: Readonly<Record<string, Figures>>
}

export const ALL = 'all'

/** Thresholds that are tried for a reference: the scores that this many shares of the rows exceed. */
const N_THRESHOLDS = 200
const SHARES = { min: 1e-5, max: 0.5 }

/**
 * The figures of each set and of all. A reference has the threshold that is best for its set: one for F1, another one for
 * the NAB score. That is more than an operator could know. So has the service's score without its alarms. Over all, they
 * keep those thresholds.
 */
export function figuresOfSets(judged: readonly JudgedSeries[]): SetFigures[] {
  const sets = [...new Set(judged.map(({ series }) => series.set))].sort()
  const findings = sets.map((set) => {
    const ofSet = judged.filter(({ series }) => series.set === set)
    return mapContenders((name) => bestFindings(name, ofSet))
  })
  const figures = sets.map((set, i) => ({
    set,
    contenders: mapContenders((name) => figuresOf(findings[i]![name]!)),
  }))
  const together = mapContenders((name) =>
    figuresOf({
      forF1: findings.flatMap((each) => each[name]!.forF1),
      forNab: findings.flatMap((each) => each[name]!.forNab),
      days: findings.reduce((sum, each) => sum + each[name]!.days, 0),
    }),
  )
  return [...figures, { set: ALL, contenders: together }]
}

/** What a contender finds in some series, at the threshold that is best for F1 and at that for the NAB score. */
interface BestFindings {
  readonly forF1: readonly Findings[]
  readonly forNab: readonly Findings[]
  readonly days: number
}

function bestFindings(name: string, judged: readonly JudgedSeries[]): BestFindings {
  const days = judged.reduce(
    (sum, { series: { timesMs } }) =>
      sum + (timesMs.at(-1)! - timesMs[firstJudged(timesMs.length)]!) / DAY_MS,
    0,
  )
  if (name === SERVICE) {
    const findings = judged.map(({ series, confirmed }) => findingsOf(series, (row) => confirmed[row] === 1))
    return { forF1: findings, forNab: findings, days }
  }
  const tried = thresholdsOf(judged.map(({ scores }) => scores[name]!)).map((threshold) =>
    judged.map(({ series, scores }) => findingsOf(series, (row) => scores[name]![row]! > threshold)),
  )
  return {
    forF1: best(tried, f1Of),
    forNab: best(tried, (each) => normalised(each.map((one) => nabScore(one)))),
    days,
  }
}

/** From a threshold that nothing exceeds to one that half of the rows do. */
function thresholdsOf(scores: readonly Float64Array[]): number[] {
  const sorted = Float64Array.from(scores.flatMap((each) => [...each])).sort()
  const { min, max } = SHARES
  const thresholds = Array.from({ length: N_THRESHOLDS }, (_, i) => {
    const share = min * (max / min) ** (i / (N_THRESHOLDS - 1))
    return sorted[Math.max(0, sorted.length - 1 - Math.round(share * sorted.length))]!
  })
  return [...new Set([Infinity, ...thresholds])]
}

/** The first of the findings with the highest value; of a value that is not known, those with the fewest false alarms. */
function best(
  tried: readonly Findings[][],
  valueOf: (findings: readonly Findings[]) => number,
): readonly Findings[] {
  const value = (findings: readonly Findings[]) => {
    const known = valueOf(findings)
    return Number.isNaN(known) ? 0 : known
  }
  return tried.reduce((most, each) => (value(each) > value(most) ? each : most))
}

function figuresOf({ forF1, forNab, days }: BestFindings): Figures {
  const { windows, found, falseAlarms } = countsOf(forF1)
  return {
    windows,
    found,
    falseAlarms,
    days,
    f1: f1Of(forF1),
    nab: normalised(forNab.map((each) => nabScore(each))),
  }
}

function countsOf(findings: readonly Findings[]) {
  const windows = findings.flatMap((each) => each.windows)
  return {
    windows: windows.length,
    found: windows.filter(({ found }) => found !== null).length,
    falseAlarms: findings.reduce((sum, each) => sum + each.falseAlarms.length, 0),
  }
}

/** 2 found / (2 found + false alarms + missed); NaN without windows. */
function f1Of(findings: readonly Findings[]): number {
  const { windows, found, falseAlarms } = countsOf(findings)
  return windows === 0 ? NaN : (2 * found) / (found + falseAlarms + windows)
}

function mapContenders<T>(value: (name: string) => T): Record<string, T> {
  return Object.fromEntries(CONTENDERS.map((name) => [name, value(name)]))
}
