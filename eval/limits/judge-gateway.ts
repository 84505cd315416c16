import { RateOptimizerFit } from '../../models/optimizer/fit.js'
import { recommend } from '../../models/optimizer/recommend.js'
import { PairSlots } from '../../models/rate-limit/pair-slots.js'
import { GATEWAY, type RateLimitRecommendation } from '../../models/rate-limit/recommendation.js'
import { RuleLimiter, type ReplayRule } from '../../models/rate-limit/replay/rule-limiter.js'
import { TIERS } from '../../models/rate-limit/tiers.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { FLOOD, LEGITIMATE, SCAN, SCRAPER } from './events.js'
import { N_ENDPOINTS, type GatewayWeeks } from './gateway-world.js'
import { byMinute } from './recommendation.js'

/** What all limits of clients together did to an unseen week. Shares, NaN where undefined. */
export interface GatewayJudgement {
  readonly legitimateRejected: number
  readonly legitimateClientsAffected: number
  readonly floodsStopped: number
  readonly scrapersStopped: number
  readonly scansStopped: number
  readonly exceptions: number
}

const TRAINING_MS = 14 * DAY_MS
const MAX_PAIRS = 1_000_000

/**
 * Fits on two weeks, and replays the third through the limits of clients: those of the endpoints, and the one over the
 * whole gateway beside them.
 */
export function judgeGateway(weeks: GatewayWeeks, { gateway: isWhole = true } = {}): GatewayJudgement {
  const end = weeks.timeMs.findIndex((timeMs) => timeMs >= weeks.startMs + TRAINING_MS)
  const found = recommendations(weeks, end)
  const limiterOf = (found: RateLimitRecommendation | undefined) =>
    found ? new RuleLimiter(ruleOf(found), 'token_bucket', weeks.timeMs[end]!) : null
  const gateway = limiterOf(isWhole ? found.get(GATEWAY) : undefined)
  const endpoints = Array.from({ length: N_ENDPOINTS + 1 }, (_, i) => limiterOf(found.get(pathOf(i))))
  return {
    ...replayed(weeks, end, gateway, endpoints),
    exceptions: isWhole ? found.get(GATEWAY)!.exceptions.length : NaN,
  }
}

const pathOf = (endpoint: number) => `/e${endpoint}`

function recommendations(weeks: GatewayWeeks, end: number): Map<string, RateLimitRecommendation> {
  const timesOf = (endpoint: number) =>
    weeks.timeMs.subarray(0, end).filter((_, i) => weeks.endpoint[i] === endpoint)
  const rollup = (endpoint: number) => {
    const sums = { latencySumMs: 0, latencies: 0, errors: 0 }
    return { method: '', path: pathOf(endpoint), ...byMinute(timesOf(endpoint)), ...sums }
  }
  const rollups = Array.from({ length: N_ENDPOINTS }, (_, i) => rollup(i + 1))
  const fit = new RateOptimizerFit(rollups, { excluded: [], seed: 1, nobody: 0xffffffff, other: [rollup(0)] })
  fit.arrivals.add({ ...weeks, length: end })
  const model = fit.model((client) => ({ client: String(client), kind: 'user' }))
  const asked = { tier: TIERS.default, strategy: 'balanced', currentLimit: null } as const
  const answers = [...model.byTemplate].map(([endpoint, each]) =>
    recommend({ ...asked, scope: 'client', endpoint, model: each }),
  )
  answers.push(recommend({ ...asked, scope: 'gateway-client', endpoint: GATEWAY, model: model.gateway }))
  return new Map(answers.map((each) => [each.endpoint, each]))
}

const WINDOWS = ['longWindow', 'dayWindow', 'failures', 'distinctPaths'] as const

function ruleOf(found: RateLimitRecommendation): ReplayRule {
  const windows = WINDOWS.flatMap((name) => {
    const window = found[name]
    return window ? [[name, { limit: window.limit, windowMs: 1000 * window.seconds }]] : []
  })
  const exceptions = new Map(found.exceptions.map((each) => [each.client, each]))
  return {
    limit: found.limit,
    burst: found.burst,
    windowMs: MINUTE_MS,
    ...Object.fromEntries(windows),
    exceptions,
  }
}

function replayed(
  { timeMs, client, kind, endpoint, status, path }: GatewayWeeks,
  from: number,
  gateway: RuleLimiter | null,
  endpoints: readonly (RuleLimiter | null)[],
) {
  const slots = new PairSlots(endpoints.length, MAX_PAIRS)
  const requests = [0, 0, 0, 0]
  const rejected = [0, 0, 0, 0]
  const attacking = new Set(client.filter((_, i) => kind[i] !== LEGITIMATE))
  const seen = new Set<number>()
  const met = new Set<number>()
  const affected = new Set<number>()
  for (let i = from; i < timeMs.length; i++) {
    const [who, at] = [client[i]!, timeMs[i]!]
    if (!met.has(who)) for (const each of [gateway, ...endpoints]) each?.meet(who, String(who))
    met.add(who)
    const own = endpoints[endpoint[i]!]!
    const slot = own ? slots.slotOf(endpoint[i]!, who) : 0
    const request = { timeMs: at, status: status[i]!, path: path[i]!, cost: 1 }
    const rejecting = gateway?.check(who, who, request) ?? own?.checkAndTake(slot, who, request) ?? null
    const passes = rejecting === null
    if (passes) gateway?.take(who, who, request)
    requests[kind[i]!]!++
    if (!passes) rejected[kind[i]!]!++
    if (kind[i] !== LEGITIMATE || attacking.has(who)) continue
    seen.add(who)
    if (!passes) affected.add(who)
  }
  const share = (of: number) => rejected[of]! / requests[of]!
  return {
    legitimateRejected: share(LEGITIMATE),
    legitimateClientsAffected: affected.size / seen.size,
    floodsStopped: share(FLOOD),
    scrapersStopped: share(SCRAPER),
    scansStopped: share(SCAN),
  }
}
