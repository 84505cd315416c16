import { UNFAMILIAR_STREAM } from './judge-world.js'
import type { WeekResult } from './score-week.js'

const HEAD = ['kind', 'incidents', 'found', 'false/day']

/** The unfamiliar kinds as lines of cells, the hardest first: those with the most wrong alarms and missed incidents. */
export function cellsOfKinds(results: readonly WeekResult[]): string[][] {
  const weeks = results.filter(({ contender }) => contender === UNFAMILIAR_STREAM)
  const kinds = [...new Set(weeks.map(({ gateway }) => gateway))].map((kind) => {
    const some = weeks.filter(({ gateway }) => gateway === kind)
    const incidents = some.flatMap((week) => week.incidents)
    const missed = incidents.filter(({ found }) => !found).length
    const wrong = some.reduce((sum, { falseAlarms }) => sum + falseAlarms.length, 0)
    const days = some.reduce((sum, week) => sum + week.days, 0)
    return { kind, n: incidents.length, missed, wrong, days }
  })
  kinds.sort((a, b) => b.wrong + b.missed - a.wrong - a.missed)
  return [
    HEAD,
    ...kinds.map(({ kind, n, missed, wrong, days }) => [
      kind,
      String(n),
      String(n - missed),
      (wrong / days).toFixed(2),
    ]),
  ]
}
