import { isTypeRight } from './figures.js'
import { BATCH, STREAM, TENTH } from './judge-world.js'
import type { WeekResult } from './score-week.js'

/** Every incident that was missed, late or called by another name, and every false alarm, one a line. */
export function printVerbose(results: readonly WeekResult[]): void {
  for (const { contender, size, incidents, falseAlarms } of results) {
    if (![STREAM, BATCH, TENTH].includes(contender)) continue
    const print = (what: string, text: string) => console.log(`${contender}\t${size}\t${what}\t${text}`)
    for (const incident of incidents) {
      if (!incident.found) print('MISSED', incident.text)
      else if (!isTypeRight(incident)) print(`TYPE ${incident.type}`, incident.text)
      else if (size === 'large' && incident.delay > 1) print(`LATE ${incident.delay}`, incident.text)
    }
    for (const text of falseAlarms) print('FALSE', text)
  }
}
