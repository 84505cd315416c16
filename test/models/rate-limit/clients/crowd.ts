import { ClientActivity } from '../../../../models/rate-limit/clients/activity.js'
import { fitClientLimit, type ClientTraffic } from '../../../../models/rate-limit/clients/limit.js'
import { createRandom } from '../../../../models/statistics/random.js'
import { DAY_MS, HOUR_MS } from '../../../../models/traffic/durations.js'

export const START_MS = Date.UTC(2026, 0, 5)
export const RATES = [5, 10, 20, 40, 80, 160, 320, 640]

export interface Request {
  readonly timeMs: number
  readonly client: number
}

/** People who come a few times a day, more of them by day, and load pages of one to twelve requests. */
export function crowd(clients: number, days: number, seed = 1): Request[] {
  const random = createRandom(seed)
  const requests: Request[] = []
  for (let client = 0; client < clients; client++) {
    const visits = Math.ceil(days * 2 * Math.exp(0.7 * random.normal()))
    for (let visit = 0; visit < visits; visit++) page(requests, client, moment(days, random), random)
  }
  return requests
}

/** Many such people behind one address. */
export function sharedAddress(client: number, users: number, days: number, seed = 2): Request[] {
  const random = createRandom(seed)
  const requests: Request[] = []
  for (let visit = 0; visit < users * days * 3; visit++) page(requests, client, moment(days, random), random)
  return requests
}

/** An even pace from an hour of the history on. */
export function steady(client: number, perHour: number, fromHour: number, hours: number): Request[] {
  return Array.from({ length: perHour * hours }, (_, i) => ({
    timeMs: Math.floor(START_MS + fromHour * HOUR_MS + (i * HOUR_MS) / perHour),
    client,
  }))
}

type Random = ReturnType<typeof createRandom>

function page(requests: Request[], client: number, timeMs: number, random: Random): void {
  const n = 1 + random.integer(12)
  for (let i = 0; i < n; i++) requests.push({ timeMs: Math.floor(timeMs + random.uniform() * 2000), client })
}

function moment(days: number, random: Random): number {
  for (;;) {
    const timeMs = START_MS + random.uniform() * (days * DAY_MS - 3000)
    const hour = ((timeMs - START_MS) / HOUR_MS) % 24
    if (random.uniform() * 1.8 < 1 + 0.8 * Math.cos((2 * Math.PI * (hour - 14)) / 24)) return timeMs
  }
}

export function trafficOf(requests: readonly Request[], changes: Partial<ClientTraffic> = {}): ClientTraffic {
  const activity = new ClientActivity(RATES)
  for (const { client, timeMs } of requests.toSorted((a, b) => a.timeMs - b.timeMs))
    activity.add(client, timeMs)
  const curves = { limits: RATES, curves: activity.curves }
  return { hours: activity.hours(), curves, excluded: [], seed: 1, ...changes }
}

export function fit(requests: readonly Request[], changes: Partial<ClientTraffic> = {}) {
  return fitClientLimit(trafficOf(requests, changes))!
}
