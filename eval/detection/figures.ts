import { quantile } from '../../models/statistics/quantile.js'
import { createRandom } from '../../models/statistics/random.js'
import { averagePrecision } from './average-precision.js'
import type { IncidentResult, WeekResult } from './score-week.js'

/** Figures of merit of a contender on pooled weeks. */
export interface Figures {
  readonly incidents: number
  readonly recall: number
  readonly precision: number
  readonly f1: number
  /** 95 % of bootstrap resamples of weeks lie between. */
  readonly f1Interval: readonly [number, number]
  readonly falseAlarmsADay: number
  /** Share of found incidents whose type is right; NaN for contenders that name none. */
  readonly typeAccuracy: number
  /** Median, of those found, in minutes. */
  readonly delay: number
  readonly averagePrecision: number
}

const RESAMPLES = 1000

export function figuresOf(weeks: readonly WeekResult[]): Figures {
  const incidents = weeks.flatMap((week) => week.incidents)
  const found = incidents.filter((incident) => incident.found)
  const typed = found.filter(({ type }) => type !== null)
  const falseAlarms = weeks.reduce((sum, week) => sum + week.falseAlarms.length, 0)
  return {
    ...eventScores(weeks),
    incidents: incidents.length,
    f1Interval: bootstrap(weeks),
    falseAlarmsADay: falseAlarms / weeks.reduce((sum, week) => sum + week.days, 0),
    typeAccuracy: typed.length === 0 ? NaN : typed.filter(isTypeRight).length / typed.length,
    delay:
      found.length === 0
        ? NaN
        : quantile(
            found.map(({ delay }) => delay),
            0.5,
          ),
    averagePrecision: averagePrecision(weeks),
  }
}

/** One kind is that type, several are multi_dimensional. */
export function isTypeRight({ kinds, type }: IncidentResult): boolean {
  return type === (kinds.length > 1 ? 'multi_dimensional' : kinds[0])
}

function eventScores(weeks: readonly WeekResult[]): { recall: number; precision: number; f1: number } {
  let [incidents, found, alarms, wrong] = [0, 0, 0, 0]
  for (const week of weeks) {
    incidents += week.incidents.length
    found += week.incidents.filter((incident) => incident.found).length
    alarms += week.alarms
    wrong += week.falseAlarms.length
  }
  const recall = incidents === 0 ? NaN : found / incidents
  const precision = alarms === 0 ? 1 : 1 - wrong / alarms
  return { recall, precision, f1: (2 * recall * precision) / Math.max(recall + precision, 1e-9) }
}

/** Whole weeks are resampled, because the minutes of a week depend on each other (Efron and Tibshirani 1993, ch. 8). */
function bootstrap(weeks: readonly WeekResult[]): [number, number] {
  const random = createRandom(1)
  const f1s = Array.from(
    { length: RESAMPLES },
    () => eventScores(weeks.map(() => weeks[random.integer(weeks.length)]!)).f1,
  )
  return [quantile(f1s, 0.025), quantile(f1s, 0.975)]
}
