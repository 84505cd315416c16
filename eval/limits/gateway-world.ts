import { createRandom, type Random } from '../../models/statistics/random.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { Events, LEGITIMATE, SCAN, SCRAPER, type Requests } from './events.js'
import { DAYS, START_MS } from './period.js'
import { drawShape } from './shape.js'
import { drawWeeks } from './weeks.js'

/** Three weeks of requests to a whole gateway. */
export interface GatewayWeeks extends Requests {
  readonly startMs: number
  /** Index of the endpoint from 1; 0 is a path without a name. */
  readonly endpoint: Uint32Array
  readonly status: Uint16Array
  /** Hashes of the path without and with its query string. */
  readonly path: Uint32Array
  readonly target: Uint32Array
}

export const N_ENDPOINTS = 12
const FIRST_PROGRAM = 500_000
const FIRST_SCANNER = 800_000
const MAX_PROGRAMS_SHARE = 0.04
const SCAN_PER_MINUTE = 3000
const SCAN_PATHS = 2500

/**
 * People, floods and scrapers as for one endpoint, spread over the endpoints of a gateway. Beside them run legitimate
 * programs (bursts every few minutes, polls, nightly jobs) and scans of the paths of a list.
 */
export function drawGatewayWeeks(seed: number): GatewayWeeks {
  const weeks = drawWeeks({ ...drawShape(createRandom(seed)), pollers: 0 }, seed)
  const random = createRandom(seed + 1_000_000)
  const events = new Events(START_MS)
  const people = new Set<number>()
  for (let i = 0; i < weeks.timeMs.length; i++) {
    if (weeks.kind[i] === LEGITIMATE) people.add(weeks.client[i]!)
    events.add(weeks.timeMs[i]!, weeks.client[i]!, weeks.kind[i] as 0 | 1 | 2)
  }
  const nPrograms = 3 + random.integer(Math.max(1, Math.round(MAX_PROGRAMS_SHARE * people.size)))
  for (let i = 0; i < nPrograms; i++) drawProgram(FIRST_PROGRAM + i, random, events)
  for (let week = 0; week < 3; week++) drawScan(FIRST_SCANNER + week, week, random, events)
  return { startMs: START_MS, ...withPaths(events.sorted(), random) }
}

/** One of: bursts of 5 to 30 requests every 5 to 60 minutes, polls of one path, a nightly job. */
function drawProgram(client: number, random: Random, events: Events): void {
  const habit = random.integer(4)
  const until = START_MS + DAYS * DAY_MS
  const add = (timeMs: number) => {
    if (timeMs < until) events.add(timeMs, client, LEGITIMATE)
  }
  if (habit < 2) {
    const [size, period] = [5 + random.integer(26), (5 + random.integer(56)) * MINUTE_MS]
    for (let at = START_MS + random.uniform() * period; at < until; at += period) {
      const burst = Math.max(1, Math.round(size * (0.7 + 0.6 * random.uniform())))
      for (let i = 0; i < burst; i++) add(at + random.uniform() * 5000)
    }
  } else if (habit === 2) {
    const step = MINUTE_MS / (1 + random.integer(30))
    for (let at = START_MS; at < until; at += step) add(at + random.uniform() * 0.2 * step)
  } else {
    const [startHour, hours, step] = [
      random.integer(22),
      1 + random.uniform(),
      MINUTE_MS / (20 + random.integer(60)),
    ]
    for (let day = 0; day < DAYS; day++) {
      const from = START_MS + day * DAY_MS + startHour * HOUR_MS
      for (let at = from; at < from + hours * HOUR_MS; at += step) add(at + random.uniform() * step)
    }
  }
}

function drawScan(client: number, week: number, random: Random, events: Events): void {
  const startMs = START_MS + (week * 7 + random.uniform() * 6.9) * DAY_MS
  for (let i = 0; i < SCAN_PATHS; i++) events.add(startMs + (i * MINUTE_MS) / SCAN_PER_MINUTE, client, SCAN)
}

/** Gives every request an endpoint, a path and a status, by who sent it. */
function withPaths(requests: Requests, random: Random): Omit<GatewayWeeks, 'startMs'> {
  const { client, kind } = requests
  const n = client.length
  const endpoint = new Uint32Array(n)
  const status = new Uint16Array(n).fill(200)
  const path = new Uint32Array(n)
  const target = new Uint32Array(n)
  for (let i = 0; i < n; i++) {
    const who = client[i]!
    const asked = kind[i] === LEGITIMATE ? ofLegitimate(who, random) : ofAttack(who, kind[i]!, i, random)
    endpoint[i] = asked.endpoint
    if (asked.endpoint === 0 || random.uniform() < 0.01) status[i] = 404
    path[i] = mixed(asked.endpoint, asked.id)
    target[i] = mixed(path[i]!, asked.query)
  }
  return { ...requests, endpoint, status, path, target }
}

function ofLegitimate(client: number, random: Random) {
  if (client >= FIRST_PROGRAM) {
    const [first, more] = [1 + (client % N_ENDPOINTS), client % 3]
    return { endpoint: Math.min(N_ENDPOINTS, first + random.integer(more + 1)), id: client % 7, query: 0 }
  }
  // The first endpoints are the busiest (Zipf).
  const endpoint = Math.min(N_ENDPOINTS, Math.floor(N_ENDPOINTS ** random.uniform()))
  return { endpoint, id: random.integer(500), query: random.integer(20) }
}

/** A scraper takes one path after the other; a flood keeps to one path, changes its query, or invents paths. */
function ofAttack(client: number, kind: number, i: number, random: Random) {
  if (kind === SCAN) return { endpoint: 0, id: i, query: 0 }
  if (kind === SCRAPER) return { endpoint: 1 + random.integer(N_ENDPOINTS), id: 1000 + i, query: 0 }
  const way = client % 3
  if (way === 0) return { endpoint: 1 + (client % N_ENDPOINTS), id: 1, query: 0 }
  return way === 1 ? { endpoint: 1, id: 1, query: i } : { endpoint: 0, id: i, query: 0 }
}

function mixed(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ b
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
