import { createRandom, type Random } from '../../models/statistics/random.js'
import { drawBad } from './bad-clients.js'
import { Events, type Requests } from './events.js'
import { DAYS, START_MS } from './period.js'
import type { Shape } from './shape.js'
import { DAY_MS, HOUR_MS } from '../../models/traffic/durations.js'

/** Three weeks of requests to one endpoint. */
export interface Weeks extends Requests {
  readonly startMs: number
}

/** Draws the weeks: legitimate clients first, then the bad clients, which are scaled by the legitimate ones. */
export function drawWeeks(shape: Shape, seed: number): Weeks {
  const random = createRandom(seed)
  const events = new Events(START_MS)
  const visitor = (client: number, users: number, from: number) =>
    drawVisits(shape, client, users, from, random, events)
  for (let client = 0; client < shape.clients; client++) {
    const from = random.uniform() < shape.newUsers ? shape.launchDay : 0
    visitor(client, activity(shape, random), from)
  }
  let nClients = shape.clients
  for (let i = 0; i < shape.sharedAddresses; i++) {
    const [few, many] = shape.usersBehind
    const users = few + random.integer(many - few + 1)
    let together = 0
    for (let user = 0; user < users; user++) together += activity(shape, random)
    visitor(nClients++, together, 0)
  }
  for (let i = 0; i < shape.pollers; i++) drawPolls(shape, nClients++, random, events)
  drawBad(shape, nClients, random, events)
  return { startMs: START_MS, ...events.sorted() }
}

/** Visits of a user, relative to the median user: log-normal. */
function activity({ unevenness }: Shape, random: Random): number {
  return Math.exp(unevenness * random.normal())
}

/** Visits of one client, as frequent as `users` median users. Each visit has some pages, each page is a burst. */
function drawVisits(
  shape: Shape,
  client: number,
  users: number,
  from: number,
  random: Random,
  events: Events,
): void {
  for (let day = from; day < DAYS; day++) {
    const visits = poisson(shape.visitsPerDay * users * dayFactor(shape, day), random)
    for (let visit = 0; visit < visits; visit++) {
      let timeMs = START_MS + day * DAY_MS + timeOfDay(shape, random)
      const pages = 1 + poisson(shape.pages - 1, random)
      for (let page = 0; page < pages; page++) {
        drawPage(shape, timeMs, client, random, events)
        timeMs += -Math.log(1 - random.uniform()) * shape.secondsBetweenPages * 1000
      }
    }
  }
}

function drawPage(shape: Shape, timeMs: number, client: number, random: Random, events: Events): void {
  const requests = Math.min(shape.largestPage, 1 + poisson(shape.pageRequests - 1, random))
  for (let i = 0; i < requests; i++) add(events, timeMs + random.uniform() * 1500, client)
}

function drawPolls(shape: Shape, client: number, random: Random, events: Events): void {
  const step = HOUR_MS / shape.pollsPerHour
  for (let timeMs = START_MS; timeMs < START_MS + DAYS * DAY_MS; timeMs += step) {
    add(events, timeMs + random.uniform() * 500, client)
  }
}

function add(events: Events, timeMs: number, client: number): void {
  if (timeMs < START_MS + DAYS * DAY_MS) events.add(timeMs, client, 0)
}

function dayFactor(shape: Shape, day: number): number {
  const weekday = day % 7 >= 5 ? shape.weekend : 1
  const launched =
    day === shape.launchDay ? shape.launchFactor : day > shape.launchDay ? shape.afterLaunch : 1
  return weekday * launched
}

/** Busiest at 14:00 UTC; by rejection. */
function timeOfDay({ swing }: Shape, random: Random): number {
  for (;;) {
    const hour = 24 * random.uniform()
    if (random.uniform() * (1 + swing) < 1 + swing * Math.cos((2 * Math.PI * (hour - 14)) / 24))
      return hour * HOUR_MS
  }
}

/** Knuth's product below 30, the normal approximation from there. */
function poisson(mean: number, random: Random): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()))
  const floor = Math.exp(-Math.max(0, mean))
  let count = 0
  for (let product = random.uniform(); product > floor; product *= random.uniform()) count++
  return count
}
