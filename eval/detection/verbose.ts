import { isTypeRight } from './figures.js'
import { BATCH, STREAM, TENTH, UNFAMILIAR_STREAM } from './judge-world.js'
import type { WeekResult } from './score-week.js'

const TALKATIVE = [STREAM, BATCH, TENTH, UNFAMILIAR_STREAM]

/** Prints every incident that was missed, found late or misnamed, and every false alarm, one per line. */
export function printVerbose(results: readonly WeekResult[]): void {
  const told = results.filter(({ contender }) => TALKATIVE.includes(contender))
  for (const { contender, size, incidents, falseAlarms } of told) {
    const print = (what: string, text: string) => console.log(`${contender}\t${size}\t${what}\t${text}`)
    for (const incident of incidents) {
      if (!incident.found) print('MISSED', incident.text)
      else if (!isTypeRight(incident)) print(`TYPE ${incident.type}`, incident.text)
      else if (size === 'large' && incident.delay > 1) print(`LATE ${incident.delay}`, incident.text)
    }
    for (const text of falseAlarms) print('FALSE', text)
  }
  for (const contender of TALKATIVE) {
    const mine = told.filter((week) => week.contender === contender)
    for (const size of ['large', 'small'] as const) {
      printBreakdown(
        `${contender}, ${size}`,
        mine.filter((week) => week.size === size),
      )
    }
  }
}

/** Prints found incidents and false alarms per day by gateway, and found incidents and right types by kind. */
function printBreakdown(title: string, weeks: readonly WeekResult[]): void {
  console.log(`\n${title}`)
  for (const [gateway, some] of grouped(weeks, (week) => week.gateway)) {
    const incidents = some.flatMap((week) => week.incidents)
    const found = incidents.filter((each) => each.found).length
    const wrong = some.reduce((sum, week) => sum + week.falseAlarms.length, 0)
    const days = some.reduce((sum, week) => sum + week.days, 0)
    console.log(
      `  ${gateway.padEnd(18)} found ${found}/${incidents.length}, false/day ${(wrong / days).toFixed(3)}`,
    )
  }
  for (const [name, some] of grouped(
    weeks.flatMap((week) => week.incidents),
    (each) => each.name,
  )) {
    const found = some.filter((each) => each.found)
    const right = found.filter(isTypeRight).length
    console.log(
      `  ${name.padEnd(18)} found ${found.length}/${some.length}, type right ${right}/${found.length}`,
    )
  }
}

function grouped<T>(all: readonly T[], key: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const each of all) groups.set(key(each), [...(groups.get(key(each)) ?? []), each])
  return groups
}
