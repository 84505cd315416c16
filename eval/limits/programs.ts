import { createRandom } from '../../models/statistics/random.js'
import type { Contender } from './contenders.js'
import { Events, LEGITIMATE } from './events.js'
import { between, judge } from './judge.js'
import { DAYS, START_MS } from './period.js'
import { recommendation } from './recommendation.js'
import { drawShape, type Shape } from './shape.js'
import { drawWeeks, type Weeks } from './weeks.js'
import { DAY_MS, HOUR_MS } from '../../models/traffic/durations.js'

/** Legitimate programs: how many people are beside them, and what each sends (a minute, from when to when, how often). */
interface Programs {
  readonly name: string
  readonly people: number
  readonly perMinute: readonly number[]
  /** Hours of a run, and days from one to the next; a run of 24 hours each day never ends. */
  readonly hours: number
  readonly everyDays: number
}

/** Worlds of legitimate clients only. A client limit must admit them or warn. */
export const PROGRAMS: readonly Programs[] = [
  { name: 'people, 3 steady API clients', people: 400, perMinute: [20, 20, 20], hours: 24, everyDays: 1 },
  { name: 'people, nightly batches', people: 400, perMinute: [200, 120], hours: 2, everyDays: 1 },
  { name: 'people, a weekly batch', people: 400, perMinute: [300], hours: 5, everyDays: 7 },
  { name: 'few people, 2 API clients', people: 20, perMinute: [20, 30], hours: 24, everyDays: 1 },
  {
    name: 'gateway of 6 businesses',
    people: 0,
    perMinute: [1, 2, 5, 12, 25, 50],
    hours: 24,
    everyDays: 1,
  },
]

/** Result of a world of programs: what the limit rejects in the third week, and the warnings of the recommendation. */
export interface ProgramsFound {
  readonly name: string
  readonly limit: number
  readonly legitimateRejected: number
  readonly confidence: number
  /** True if it warns about clients that were ignored or taken for customers. */
  readonly warned: boolean
}

export function judgePrograms(contender: Contender, programs: Programs, seed: number): ProgramsFound {
  const weeks = drawPrograms(programs, seed)
  const { rule, legitimateRejected } = judge(contender, weeks)
  const { confidence, warnings } = recommendation(between(weeks, START_MS, START_MS + 14 * DAY_MS))
  const warned = warnings.some((warning) => /left out|customers/.test(warning))
  return { name: programs.name, limit: rule.limit, legitimateRejected, confidence, warned }
}

function drawPrograms({ people, perMinute, hours, everyDays }: Programs, seed: number): Weeks {
  const events = new Events(START_MS)
  if (people > 0) {
    const { timeMs, client } = drawPeople(people, seed)
    for (let i = 0; i < timeMs.length; i++) events.add(timeMs[i]!, client[i]!, LEGITIMATE)
  }
  const random = createRandom(seed)
  for (const [i, rate] of perMinute.entries()) {
    for (let day = 0; day < DAYS; day += everyDays) {
      for (let k = 0; k < rate * 60 * hours; k++) {
        const at = START_MS + day * DAY_MS + ((k + random.uniform()) / (rate * 60)) * HOUR_MS
        events.add(at, people + i, LEGITIMATE)
      }
    }
  }
  return { startMs: START_MS, ...events.sorted() }
}

/** People only, with average variation. */
function drawPeople(clients: number, seed: number): Weeks {
  const alone: Partial<Shape> = { sharedAddresses: 0, pollers: 0, floods: 0, scrapers: 0 }
  const usual: Partial<Shape> = { unevenness: 1, visitsPerDay: 1, pages: 4, pageRequests: 4, largestPage: 12 }
  return drawWeeks({ ...drawShape(createRandom(seed)), ...alone, ...usual, clients }, seed)
}
