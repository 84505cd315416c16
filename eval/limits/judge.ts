import { FixedWindows } from '../../models/rate-limit/replay/fixed-window.js'
import type { ReplayRule } from '../../models/rate-limit/replay/replay.js'
import { TokenBuckets } from '../../models/rate-limit/replay/token-bucket.js'
import type { Contender } from './contenders.js'
import { FLOOD, LEGITIMATE, SCRAPER, type Requests } from './events.js'
import { type Weeks } from './weeks.js'
import { DAY_MS } from '../../models/traffic/durations.js'

/** Effect of a limit on an unseen week. Shares, NaN where undefined. */
export interface Judgement {
  readonly legitimateRejected: number
  readonly legitimateClientsAffected: number
  readonly floodsStopped: number
  readonly scrapersStopped: number
  /** Change of the limit, and of the long window, when the history moves by one week. */
  readonly movement: number
  readonly longMovement: number
  readonly rule: ReplayRule
}

const WEEK_MS = 7 * DAY_MS

/** Fits on two weeks and replays the third. Fits again on the last two weeks to measure how the limit moves. */
export function judge(contender: Contender, weeks: Weeks): Judgement {
  const { startMs } = weeks
  const rule = contender.fit(between(weeks, startMs, startMs + 2 * WEEK_MS))
  const later = contender.fit(between(weeks, startMs + WEEK_MS, startMs + 3 * WEEK_MS))
  const third = between(weeks, startMs + 2 * WEEK_MS, startMs + 3 * WEEK_MS)
  return { ...replayed(third, rule, contender.algorithm), ...movementOf(rule, later), rule }
}

export function between({ timeMs, client, kind }: Requests, fromMs: number, toMs: number): Requests {
  const first = firstAt(timeMs, fromMs)
  const end = firstAt(timeMs, toMs)
  return {
    timeMs: timeMs.subarray(first, end),
    client: client.subarray(first, end),
    kind: kind.subarray(first, end),
  }
}

function firstAt(timeMs: Float64Array, atMs: number): number {
  let low = 0
  let high = timeMs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (timeMs[middle]! < atMs) low = middle + 1
    else high = middle
  }
  return low
}

function replayed({ timeMs, client, kind }: Requests, rule: ReplayRule, algorithm: Contender['algorithm']) {
  const limiter =
    algorithm === 'token_bucket' ? new TokenBuckets(rule, timeMs[0] ?? 0) : new FixedWindows(rule)
  const long = rule.longWindow && new FixedWindows(rule.longWindow)
  const requests = [0, 0, 0]
  const rejected = [0, 0, 0]
  const flooding = new Set(client.filter((_, i) => kind[i] === FLOOD))
  const seen = new Set<number>()
  const affected = new Set<number>()
  for (let i = 0; i < timeMs.length; i++) {
    const who = client[i]!
    const room = long === undefined || long.allows(who, timeMs[i]!)
    const passes = room && limiter.take(who, timeMs[i]!)
    if (passes) long?.take(who, timeMs[i]!)
    requests[kind[i]!]!++
    if (!passes) rejected[kind[i]!]!++
    if (kind[i] !== LEGITIMATE || flooding.has(who)) continue
    seen.add(who)
    if (!passes) affected.add(who)
  }
  return {
    legitimateRejected: rejected[LEGITIMATE]! / requests[LEGITIMATE]!,
    legitimateClientsAffected: affected.size / seen.size,
    floodsStopped: rejected[FLOOD]! / requests[FLOOD]!,
    scrapersStopped: rejected[SCRAPER]! / requests[SCRAPER]!,
  }
}

function movementOf(before: ReplayRule, after: ReplayRule) {
  const long = (after.longWindow?.limit ?? NaN) / (before.longWindow?.limit ?? NaN)
  return { movement: Math.abs(after.limit / before.limit - 1), longMovement: Math.abs(long - 1) }
}
