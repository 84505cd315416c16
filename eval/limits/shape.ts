import type { Random } from '../../models/statistics/random.js'

/** The parameters of three weeks of a gateway. They are drawn for each seed, so that no figure depends on one world. */
export interface Shape {
  readonly clients: number
  /** Standard deviation of the logarithm of the visits of a user. */
  readonly unevenness: number
  /** Visits of the median user on a weekday. */
  readonly visitsPerDay: number
  /** Pages of a visit, mean; seconds between them, mean. */
  readonly pages: number
  readonly secondsBetweenPages: number
  /** Requests of a page, mean and largest. */
  readonly pageRequests: number
  readonly largestPage: number
  /** Swing of the day, 0…1, and what a weekend day has of a weekday. */
  readonly swing: number
  readonly weekend: number
  /** Shared addresses and the users behind each, smallest and largest. */
  readonly sharedAddresses: number
  readonly usersBehind: readonly [number, number]
  /** Legitimate programs that send requests at an even pace, and their requests an hour. */
  readonly pollers: number
  readonly pollsPerHour: number
  /** Day from which more is going on: share of the users who come then for the first time, */
  readonly launchDay: number
  readonly newUsers: number
  /** and how many times as often everyone visits, on that day and after it. */
  readonly launchFactor: number
  readonly afterLaunch: number
  /** Floods a week; times the busiest legitimate minute; minutes; whether of a client that is legitimate otherwise. */
  readonly floods: number
  readonly floodFactor: readonly [number, number]
  readonly floodMinutes: readonly [number, number]
  readonly floodByKnown: number
  /** Scrapers; times the busiest legitimate hour; hours a day; days. */
  readonly scrapers: number
  readonly scraperFactor: readonly [number, number]
  readonly scraperHours: readonly [number, number]
  readonly scraperDays: readonly [number, number]
}

const MAX_REQUESTS_PER_DAY = 20_000

/** Draws a world within wide bounds. */
export function drawShape(random: Random): Shape {
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  const times = (low: number, high: number) => low * (high / low) ** random.uniform()
  const pages = times(2, 10)
  const pageRequests = times(1.5, 20)
  const visitsPerDay = times(0.3, 3)
  // Busy sites have fewer clients, so that a world has at most a few million requests.
  const clients = Math.round(
    Math.min(times(150, 1500), MAX_REQUESTS_PER_DAY / (visitsPerDay * pages * pageRequests)),
  )
  return {
    clients,
    unevenness: between(0.6, 1.6),
    visitsPerDay,
    pages,
    secondsBetweenPages: times(10, 90),
    pageRequests,
    largestPage: Math.ceil(pageRequests * between(2, 4)),
    swing: between(0.2, 0.95),
    weekend: between(0.3, 1.2),
    sharedAddresses: Math.round(clients * between(0, 0.02)),
    usersBehind: [3, Math.round(times(6, 60))],
    pollers: random.integer(4),
    pollsPerHour: times(6, 120),
    launchDay: random.integer(21),
    newUsers: between(0, 0.6),
    launchFactor: between(1, 2),
    afterLaunch: between(1, 1.3),
    floods: 1 + random.integer(4),
    floodFactor: [20, times(20, 80)],
    floodMinutes: [3, Math.round(times(5, 60))],
    floodByKnown: random.uniform() < 0.5 ? 0 : 0.5,
    scrapers: 1 + random.integer(4),
    scraperFactor: [3, between(3, 6)],
    scraperHours: random.uniform() < 0.5 ? [24, 24] : [4, 16],
    scraperDays: random.uniform() < 0.5 ? [21, 21] : [2, 10],
  }
}
