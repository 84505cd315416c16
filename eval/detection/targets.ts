import type { Figures } from './figures.js'

/** The judged scenarios, as named in the tables. */
export type Scenario =
  | 'Large incidents'
  | 'Small incidents and nuisances'
  | 'Large incidents, minute by minute'
  | 'Large incidents, a tenth of the traffic'
  | 'Small incidents, a tenth of the traffic'
  | 'Unfamiliar kinds'
  | 'Large incidents, rows of other lengths'
  | 'Small incidents, rows of other lengths'
  | 'Large incidents, quiet nights'
  | 'Small incidents, quiet nights'

type Target = Partial<
  Record<'f1' | 'falseAlarmsADay' | 'typeAccuracy' | 'delay' | 'averagePrecision', number>
>

/** With fewer incidents, a target is not proven. */
export const MIN_INCIDENTS = 300

/** The targets of the first contender of each table, and whether more or less is better. */
export const TARGETS: Readonly<Record<Scenario, Target>> = {
  'Large incidents': { f1: 0.99, falseAlarmsADay: 0.1, typeAccuracy: 0.97, delay: 1, averagePrecision: 0.99 },
  'Small incidents and nuisances': { f1: 0.9, falseAlarmsADay: 0.3 },
  'Large incidents, minute by minute': { f1: 0.97, falseAlarmsADay: 0.3 },
  'Large incidents, a tenth of the traffic': {},
  'Small incidents, a tenth of the traffic': {},
  'Unfamiliar kinds': { f1: 0.95, falseAlarmsADay: 0.1 },
  'Large incidents, rows of other lengths': {},
  'Small incidents, rows of other lengths': {},
  'Large incidents, quiet nights': {},
  'Small incidents, quiet nights': {},
}

const LESS_IS_BETTER = ['falseAlarmsADay', 'delay']

/** The figures of the first contender that miss their target, by name. */
export function misses({
  scenario,
  rows,
}: {
  scenario: Scenario
  rows: readonly (readonly [string, Figures])[]
}): string[] {
  const figures = rows[0]?.[1]
  const targets = Object.entries(TARGETS[scenario]) as [keyof Target, number][]
  if (!figures || targets.length === 0) return []
  const missed = targets
    .filter(([key, target]) =>
      LESS_IS_BETTER.includes(key) ? figures[key] > target : !(figures[key] >= target),
    )
    .map(([key]) => key)
  return figures.incidents < MIN_INCIDENTS ? ['incidents', ...missed] : missed
}
