import t from 'tap'
import { recommendClientLimit } from '../../../../models/rate-limit/clients/recommendation.js'
import { fitClientLimit } from '../../../../models/rate-limit/clients/limit.js'
import type { Strategy } from '../../../../models/rate-limit/strategies.js'
import { TIERS } from '../../../../models/rate-limit/tiers.js'
import { crowd, fit, RATES, sharedAddress, START_MS, steady, trafficOf, type Request } from './crowd.js'
import { profile } from '../profiles.js'
import { Replay } from '../../../../models/rate-limit/replay/replay.js'
import { quantile } from '../../../../models/statistics/quantile.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../../models/traffic/durations.js'

const people = crowd(300, 14)
const plain = fit(people)
const flood = (client: number, hour: number, perMinute = 20 * plain.busiestMinute): Request[] =>
  steady(client, perMinute * 60, hour, 1).slice(0, perMinute * 10)

t.test('it covers nearly all clients with something to spare, and little more', async (t) => {
  t.ok(plain.limit >= 0.9 * plain.busiestMinute && plain.limit <= 1.25 * plain.busiestMinute)
  t.ok(plain.longWindow!.limit <= 1.5 * plain.busiestHour)
  t.equal(plain.longWindow!.seconds, 3600)
  t.match(plain, { clients: 300, days: 14, nRunaways: 0, requests: people.length })
  const { p50, p90, p99 } = plain.peakMinutes
  t.ok(p50 <= p90 && p90 <= p99 && p99 <= plain.busiestMinute)
})

t.test('floods and scrapers, a few or many, do not raise it', async (t) => {
  const scraper = (client: number) => steady(client, 3 * plain.busiestHour, 50 + client, 100)
  const few = fit([...people, ...flood(300, 100), ...scraper(301)])
  t.match(few, { limit: plain.limit, longWindow: plain.longWindow, nRunaways: 2, runaways: [300, 301] })
  t.equal(few.burstAt(few.limit), plain.burstAt(plain.limit))
  const many = Array.from({ length: 20 }, (_, i) => [...flood(300 + i, 10 * i), ...scraper(330 + i)]).flat()
  t.match(fit([...people, ...many]), { limit: plain.limit, longWindow: plain.longWindow, nRunaways: 40 })
})

t.test('a flood by someone who is known takes nothing from what else it does', async (t) => {
  const shared = sharedAddress(300, 30, 14)
  const legitimate = fit([...people, ...shared])
  const found = fit([...people, ...shared, ...flood(300, 100, 20 * legitimate.busiestMinute)])
  t.equal(found.limit, legitimate.limit)
  t.same(found.longWindow, legitimate.longWindow)
  t.same(found.runaways, [300])
})

t.test('a shared address that lives with the crowd is no scraper, however busy', async (t) => {
  const found = fit([...people, ...sharedAddress(300, 80, 14)])
  t.equal(found.nRunaways, 0)
  t.ok(found.busiestHour > 3 * plain.busiestHour, 'far above all others')
  t.ok(found.longWindow!.limit >= 0.9 * found.busiestHour)
  const even = fit([...people, ...steady(300, found.busiestHour, 0, 14 * 24)])
  t.same(even.runaways, [300], 'the same load at an even pace is one')
  t.same(even.longWindow, plain.longWindow)
})

t.test('excluded minutes do not raise it, in limit, peaks or evidence', async (t) => {
  const launch = people.map(({ client }) => client)
  const burst = launch.slice(0, 300).flatMap((client) => steady(client, 200, 100, 1))
  const hour = (START_MS / HOUR_MS + 100) * 60
  const excluded = [{ from: hour + 10, to: hour + 20 }]
  const without = fit(
    people.filter(({ timeMs }) => Math.floor(timeMs / HOUR_MS) !== START_MS / HOUR_MS + 100),
  )
  const found = fit([...people, ...burst], { excluded })
  t.equal(found.limit, without.limit)
  t.same(found.peakMinutes, without.peakMinutes)
  t.equal(found.requests, without.requests)
  t.equal(fitClientLimit(trafficOf(people, { excluded: [{ from: 0, to: 1e9 }] })), null)
})

t.test(
  'who the clients are does not matter, only what they do; the same input, the same answer',
  async (t) => {
    const renamed = people.map(({ timeMs, client }) => ({ timeMs, client: 299 - client }))
    const strip = ({ burstAt, trusted, ...rest }: ReturnType<typeof fit>) => {
      return { ...rest, bursts: RATES.map(burstAt), nTrusted: trusted.length }
    }
    t.same(strip(fit(renamed)), strip(plain))
    t.same(strip(fit(people)), strip(plain))
  },
)

t.test('few clients and a single day lower the confidence and are named', async (t) => {
  const few = fit(crowd(20, 14))
  const day = fit(crowd(300, 1))
  t.ok(few.confidence < plain.confidence && day.confidence < plain.confidence)
  t.equal(day.longWindow, null)
  t.ok(plain.interval.lower <= plain.limit && plain.interval.upper >= plain.limit)
  const warnings = (fitted: ReturnType<typeof fit>) => ask(fitted).warnings.join(' ')
  t.match(warnings(few), /Only 20 clients/)
  t.match(warnings(day), /Only one day/)
  t.same(ask(plain).warnings, [])
})

t.test('a few requests are nobody’s flood', async (t) => {
  const quiet = Array.from({ length: 60 }, (_, client) => ({ timeMs: START_MS + client * HOUR_MS, client }))
  const found = fit([...quiet, ...steady(60, 10, 3, 1).map((request) => ({ ...request, timeMs: START_MS }))])
  t.equal(found.nRunaways, 0)
  t.ok(found.limit >= 5)
})

function ask(
  fitted: ReturnType<typeof fit>,
  tier: keyof typeof TIERS = 'default',
  strategy: Strategy = 'balanced',
  currentLimit: number | null = null,
) {
  return recommendClientLimit({
    ...{ endpoint: '/api', tier: TIERS[tier], strategy, currentLimit },
    ...{ profile: profile(), fitted, burstAt: fitted.burstAt, runawayNames: [], programs: [] },
  })
}

t.test('tiers and strategies multiply the minute and the hour', async (t) => {
  const answer = ask(plain)
  t.match(answer, {
    limit: plain.limit,
    longWindow: plain.longWindow,
    clientPeaks: plain.peakMinutes,
  })
  const premium = ask(plain, 'premium', 'conservative')
  t.equal(premium.limit, Math.trunc(Math.trunc(plain.limit * 2.5) * 0.7))
  t.equal(premium.longWindow!.limit, Math.trunc(Math.trunc(plain.longWindow!.limit * 2.5) * 0.7))
  t.match(ask(plain, 'default', 'balanced', 10 * plain.limit).warnings[0], /far below the current limit/)
})

t.test('the burst falls as the rate rises, and is no more than a minute’s worth', async (t) => {
  const { burstCurve } = ask(plain)
  t.equal(burstCurve.length, 4)
  for (let i = 1; i < burstCurve.length; i++) t.ok(burstCurve[i]!.burst <= burstCurve[i - 1]!.burst)
  const free = ask(plain, 'free', 'conservative')
  t.ok(free.burst <= free.limit)
  t.match(free.warnings[0], /below what is regularly seen: one client in ten/)
})

t.test('the reasoning holds the numbers, and the floods', async (t) => {
  const { reasoning, runawayClients } = ask(fit([...people, ...flood(300, 100)]))
  t.equal(runawayClients, 1)
  for (const text of [
    '301 clients on 14 days',
    '1 client stood far apart',
    `into ${plain.limit};`,
    'an hour',
  ]) {
    t.ok(reasoning.includes(text), text)
  }
})

t.test('ten clients in pairs, each pair busier than the one before, do not raise it', async (t) => {
  const pairs = [50, 50, 115, 115, 270, 270, 640, 640, 1500, 1500].flatMap((requests, i) =>
    steady(300 + i, 60 * requests, 100 + i, 1).slice(0, requests),
  )
  const found = fit([...people, ...pairs])
  t.ok(found.limit <= 3 * plain.limit, `${plain.limit} becomes ${found.limit}`)
  t.ok(found.nRunaways >= 8)
})

/** Thirty people load a page of twenty requests on each of four days, ten minutes after one another. */
const onePageADay = Array.from({ length: 30 * 4 * 20 }, (_, i) => {
  const visit = Math.floor(i / 20)
  const client = visit % 30
  return { client, timeMs: START_MS + Math.floor(visit / 30) * DAY_MS + client * 10 * MINUTE_MS }
})

t.test(
  'who comes a second time within the hour fits into the hour, who comes a third time does not',
  async (t) => {
    const { limit, burstAt, longWindow } = fit(onePageADay)
    const rule = { limit, burst: burstAt(limit), windowMs: MINUTE_MS }
    const hour = { limit: longWindow!.limit, windowMs: longWindow!.seconds * 1000 }
    const rejected = (...visits: number[]) => {
      const replay = new Replay({
        rules: [{ ...rule, longWindow: hour }],
        algorithm: 'token_bucket',
        scope: 'client',
      })
      const timeMs = visits.flatMap((requests, i) =>
        Array<number>(requests).fill(START_MS + i * 15 * MINUTE_MS),
      )
      replay.push({
        length: timeMs.length,
        timeMs: Float64Array.from(timeMs),
        client: new Uint32Array(timeMs.length),
        endpoint: new Uint32Array(timeMs.length),
        tier: new Uint8Array(timeMs.length),
      })
      return replay.report().rejected
    }
    t.equal(rejected(20), 0)
    t.equal(rejected(20, 14), 0, 'a whole page, and most of another')
    t.equal(rejected(20, 14, 6), 5, 'a part of a third')
  },
)

t.test('a trusted client may be busier than usual, but not by any factor', async (t) => {
  const shared = sharedAddress(300, 60, 14)
  const calm = fit([...people, ...shared])
  const usual = usualBusiestMinute(shared)
  const oneMinute = (times: number) =>
    Array.from({ length: Math.round(times * usual) }, () => ({
      timeMs: START_MS + 100 * HOUR_MS + 30 * MINUTE_MS,
      client: 300,
    }))
  const busy = fit([...people, ...shared, ...oneMinute(4)])
  t.equal(busy.nRunaways, 0)
  t.ok(busy.busiestMinute >= 4 * usual, 'four times its usual day is still itself')
  const flooding = fit([...people, ...shared, ...oneMinute(7)])
  t.same(flooding.runaways, [300])
  t.equal(flooding.busiestMinute, calm.busiestMinute, 'seven times is left out')
  t.equal(flooding.limit, calm.limit)
})

/** The median over the days of the busiest minute of each. */
function usualBusiestMinute(requests: readonly Request[]): number {
  const minutes = new Map<number, number>()
  for (const { timeMs } of requests) {
    const minute = Math.floor(timeMs / MINUTE_MS)
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1)
  }
  const days = new Map<number, number>()
  for (const [minute, count] of minutes) {
    const day = Math.floor((minute * MINUTE_MS) / DAY_MS)
    days.set(day, Math.max(days.get(day) ?? 0, count))
  }
  return quantile([...days.values()], 0.5)
}

t.test('the more limits a client meets, the more room each of them leaves', async (t) => {
  const limits = [1, 12, 100].map((nLimits) => fit(people, { nLimits }))
  for (const [i, { limit, longWindow }] of limits.entries()) {
    if (i === 0) continue
    t.ok(limit > limits[i - 1]!.limit, `${limit}`)
    t.ok(longWindow!.limit > limits[i - 1]!.longWindow!.limit, `${longWindow!.limit}`)
    t.ok(limit < 2 * plain.limit, 'but not much more')
  }
})

t.test(
  'over the whole gateway a shared address gets its own limit and raises that of nobody else',
  async (t) => {
    const alone = fit(people, { sharedApart: true })
    const found = fit([...people, ...sharedAddress(300, 80, 14)], { sharedApart: true })
    const own = found.programs.find(({ client }) => client === 300)!
    t.match(own.reason, /busy when the others are/)
    t.ok(own.limit >= 1.5 * own.busiestMinute)
    t.ok(found.longWindow!.limit <= 1.1 * alone.longWindow!.limit)
    t.ok(own.busiestHour > found.longWindow!.limit)
    t.equal(found.nRunaways, 0)
    const few = fit([...crowd(30, 14), ...sharedAddress(30, 40, 14)], { sharedApart: true })
    t.same(few.programs, [], 'where the others are no crowd, nobody is set apart')
  },
)

t.test(
  'who is trusted over the whole gateway is trusted where it comes each day for a short time',
  async (t) => {
    const lunch = Array.from({ length: 14 }, (_, day) =>
      steady(300, 4 * plain.busiestHour, 24 * day + 12, 1),
    ).flat()
    const once = steady(300, 4 * plain.busiestHour, 60, 1)
    const isTrusted = (client: number) => client === 300
    t.same(fit([...people, ...lunch]).runaways, [300])
    t.same(fit([...people, ...lunch], { isTrusted }).runaways, [])
    t.same(fit([...people, ...once], { isTrusted }).runaways, [300], 'a flood that comes once is one')
  },
)
