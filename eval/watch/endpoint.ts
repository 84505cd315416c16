import type { Random } from '../../models/statistics/random.js'
import { between, times } from '../detection/draws.js'
import { byWeekday, DAY, hourOf, hump, rise, WEEK } from '../detection/gateways/gateway.js'
import { latencyShape } from '../detection/latency-shape.js'
import type { Condition } from '../detection/minutes.js'
import type { Make } from './makes.js'

/** The true endpoint of a simulated gateway. Minutes are those since a Monday, 00:00. */
export interface TrueEndpoint {
  readonly name: string
  /** Its first minute. */
  readonly begins: number
  /** Coefficient of variation of a minute's traffic beyond Poisson's. */
  readonly dispersion: number
  /** Without incidents. */
  readonly usual: (minute: number) => Condition
}

type Curve = (minute: number) => number

/** What a minute of the day and week is like, around 1. */
function drawRhythm(random: Random): Curve {
  const weekend = between(random, 0.2, 1)
  const ofWeek: Curve = (minute) => byWeekday(minute, (weekday) => (weekday >= 5 ? weekend : 1))
  const hour = between(random, 9, 21)
  const width = between(random, 2.5, 5)
  const night = between(random, 0.05, 0.5)
  const starts = between(random, 7, 9)
  const kinds: readonly Curve[] = [
    (minute) => 2 * ofWeek(minute) * (night + (1 - night) * hump(hourOf(minute), hour, width)),
    (minute) =>
      2.2 *
      ofWeek(minute) *
      (night / 2 + rise(hourOf(minute), starts, 0.5) * (1 - rise(hourOf(minute), 18, 0.7))),
    () => 1,
    (minute) => 0.3 + 2.5 * hump(hourOf(minute), 3, 2),
    (minute) => 0.7 + 0.5 * hump(hourOf(minute), hour, 4) + 0.4 * hump(hourOf(minute), hour + 9, 3),
  ]
  return kinds[[0, 0, 0, 1, 1, 2, 3, 4][random.integer(8)]!]!
}

interface Jobs {
  readonly traffic: Curve
  readonly latency: Curve
}

/** Programs that run every hour, every day or every week. */
function drawJobs(random: Random): Jobs {
  const kind = random.uniform()
  const more = between(random, 1.5, 5)
  const slower = random.uniform() < 0.5 ? between(random, 1.2, 2) : 1
  const job = (cycle: number, from: number, minutes: number): Jobs => {
    const isOn = (minute: number) => (minute - from + cycle) % cycle < minutes
    return {
      traffic: (minute) => (isOn(minute) ? more : 1),
      latency: (minute) => (isOn(minute) ? slower : 1),
    }
  }
  if (kind < 0.15) return job(60, random.integer(60), 1 + random.integer(4))
  if (kind < 0.3) return job(DAY, random.integer(DAY), 5 + random.integer(40))
  if (kind < 0.4) return job(WEEK, random.integer(WEEK), 30 + random.integer(90))
  return { traffic: () => 1, latency: () => 1 }
}

/** A level that wanders: the logarithm of a factor for each quarter of an hour, with a memory of some hours. */
export function drawWander(random: Random, minutes: number, sd: number, memoryHours: number): Curve {
  const kept = Math.exp(-1 / (4 * memoryHours))
  const steps = new Float64Array(Math.ceil(minutes / 15) + 2)
  let value = sd * random.normal()
  for (let i = 0; i < steps.length; i++) {
    steps[i] = value
    value = kept * value + sd * Math.sqrt(1 - kept ** 2) * random.normal()
  }
  return (minute) => {
    const step = Math.floor(minute / 15)
    const share = minute / 15 - step
    return Math.exp(steps[step]! + share * (steps[step + 1]! - steps[step]!))
  }
}

const VERBS = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE']

export interface EndpointSpan {
  /** Of the history's first minute, and of the first minute after what is judged. */
  readonly from: number
  readonly to: number
  /** When it begins and when what is judged begins. */
  readonly begins: number
  readonly judged: number
}

/** @param common what all endpoints of the gateway share */
export function drawEndpoint(
  random: Random,
  index: number,
  { from, to, begins, judged }: EndpointSpan,
  common: Curve,
  make: Make,
): TrueEndpoint {
  const perMinute = 60 * times(random, 0.05, 50)
  const everyHour = drawRhythm(random)
  const rhythm = make.inHours > 0 && random.uniform() < make.inHours ? drawHours(random) : everyHour
  const jobs = drawJobs(random)
  const own = drawWander(random, to - from, between(random, 0, 0.05), between(random, 0.5, 3))
  const sigma = between(random, ...make.sigma)
  const shape = latencyShape({ sigma, slowShare: 0, slowFactor: 1, ...drawTail(random, make) })
  const medianMs = times(random, 8, 600)
  const byLoad = random.uniform() < 0.5 ? between(random, 0, 0.15) : 0
  const errorShare = times(random, ...make.errors)
  const step = drawStep(random, from, to, judged)
  const name = `${VERBS[random.integer(VERBS.length)]!} /service-${index}/{id}`
  const dispersion = between(random, ...make.dispersion)
  const bursts = make.bursts[1] > 0 ? drawBursts(random, to - from, between(random, ...make.bursts)) : ALWAYS
  return {
    name,
    begins,
    dispersion,
    usual: (minute) => {
      const load = rhythm(minute)
      return {
        requestsPerMinute:
          perMinute *
          (load * jobs.traffic(minute) * common(minute - from) * own(minute - from) * bursts(minute - from)),
        medianMs: medianMs * (1 + byLoad * (load - 1)) * jobs.latency(minute) * step(minute),
        errorShare,
        shape,
      }
    },
  }
}

const ALWAYS: Curve = () => 1

/** Called between two hours of the day alone, on workdays or on all days. Nearly nothing comes at other times. */
function drawHours(random: Random): Curve {
  const start = between(random, 0, 24)
  const hours = between(random, 2, 12)
  const otherwise = random.uniform() < 0.5 ? 0 : 0.01
  const isOnWeekends = random.uniform() < 0.5
  return (minute) => {
    const isOn = (hourOf(minute) - start + 24) % 24 < hours
    return isOn && (isOnWeekends || (minute / DAY) % 7 < 5) ? 1.5 : otherwise
  }
}

/** Half of the endpoints of a make with power laws have one. Then each latency is drawn, up to more requests. */
function drawTail(random: Random, { tailIndex }: Make): { tailIndex?: number; drawnOneByOne?: number } {
  if (tailIndex === null) return {}
  const index = between(random, ...tailIndex)
  return { drawnOneByOne: 200, ...(random.uniform() < 0.5 && { tailIndex: index }) }
}

/** Times two to five for two to six minutes, at any time. */
function drawBursts(random: Random, minutes: number, perDay: number): Curve {
  const factors = new Float64Array(minutes + 1).fill(1)
  if (perDay < 1) return ALWAYS
  for (let minute = 0; ;) {
    minute += Math.ceil((-Math.log1p(-random.uniform()) * DAY) / perDay)
    if (!(minute < minutes)) return (at) => factors[Math.floor(at)] ?? 1
    factors.fill(times(random, 2, 5), minute, minute + 2 + random.integer(5))
  }
}

/** A deployment that changes latencies for good: a lot within the history, a little in what is judged. */
function drawStep(random: Random, from: number, to: number, judged: number): Curve {
  const kind = random.uniform()
  const isInHistory = kind < 0.3
  if (!isInHistory && kind > 0.45) return () => 1
  const at = isInHistory ? between(random, from + DAY, judged - DAY) : between(random, judged, to)
  const factor = isInHistory ? times(random, 0.6, 1.6) : times(random, 0.9, 1.15)
  return (minute) => (minute >= at ? factor : 1)
}
