import { figuresOf } from './figures.js'
import type { Size } from './incidents.js'
import { QUIET_NIGHTS } from './gateways/index.js'
import { aloneOf, ROW_LENGTHS } from './judge-rows.js'
import { BATCH, PLAIN, STREAM, TENTH, UNFAMILIAR_STREAM, WHOLE_OF_TENTH } from './judge-world.js'
import type { Section } from './print.js'
import type { WeekResult } from './score-week.js'
import type { Scenario } from './targets.js'

const plain = Object.keys(PLAIN)
const lengths = [...ROW_LENGTHS]
  .filter(([seconds]) => seconds !== 60)
  .flatMap(([seconds, name]) => (seconds < 60 ? [name] : [name, aloneOf(name)]))
const quiet = [...ROW_LENGTHS].filter(([seconds]) => seconds >= 60).map(([, name]) => name)

const SECTIONS: readonly {
  scenario: Scenario
  size: Size
  contenders: readonly string[]
  isQuiet?: boolean
}[] = [
  { scenario: 'Large incidents', size: 'large', contenders: [STREAM, BATCH, ...plain] },
  { scenario: 'Small incidents and nuisances', size: 'small', contenders: [STREAM, BATCH, ...plain] },
  { scenario: 'Large incidents, minute by minute', size: 'large', contenders: [BATCH] },
  { scenario: 'Large incidents, a tenth of the traffic', size: 'large', contenders: [TENTH, WHOLE_OF_TENTH] },
  { scenario: 'Small incidents, a tenth of the traffic', size: 'small', contenders: [TENTH, WHOLE_OF_TENTH] },
  { scenario: 'Unfamiliar kinds', size: 'large', contenders: [UNFAMILIAR_STREAM] },
  { scenario: 'Large incidents, rows of other lengths', size: 'large', contenders: lengths },
  { scenario: 'Small incidents, rows of other lengths', size: 'small', contenders: lengths },
  { scenario: 'Large incidents, quiet nights', size: 'large', contenders: quiet, isQuiet: true },
  { scenario: 'Small incidents, quiet nights', size: 'small', contenders: quiet, isQuiet: true },
]

/** The tables of the report. */
export function sectionsOf(results: readonly WeekResult[]): Section[] {
  return SECTIONS.map(({ scenario, size, contenders, isQuiet = false }) => ({
    scenario,
    rows: contenders.map(
      (name) =>
        [
          name,
          figuresOf(
            results.filter(
              (week) =>
                week.contender === name && week.size === size && (week.gateway === QUIET_NIGHTS) === isQuiet,
            ),
          ),
        ] as const,
    ),
  }))
}
