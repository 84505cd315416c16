import t from 'tap'
import { ClientActivity } from '../../../../models/rate-limit/clients/activity.js'
import { exceptionsFor } from '../../../../models/rate-limit/clients/exceptions.js'
import { fitClientLimit } from '../../../../models/rate-limit/clients/limit.js'
import { Replay } from '../../../../models/rate-limit/replay/replay.js'
import { createRandom } from '../../../../models/statistics/random.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../../models/traffic/durations.js'
import { crowd, START_MS, steady, type Request } from './crowd.js'

const DAYS = 7
const RATES = Array.from({ length: 7 }, (_, k) => Math.round(4 * 2.5 ** k))

interface Asked extends Request {
  readonly path?: number
  readonly query?: number
  readonly status?: number
  readonly gapMs?: number
}

const random = createRandom(7)
const people = crowd(251, 2 * DAYS).map((each): Asked => ({ ...each, path: random.integer(300) }))

/** A burst of so many every so many minutes. */
function cron(client: number, size: number, periodMinutes: number, more: Partial<Asked> = {}): Asked[] {
  const requests: Asked[] = []
  for (
    let at = START_MS + client * 1000;
    at < START_MS + 2 * DAYS * DAY_MS;
    at += periodMinutes * MINUTE_MS
  ) {
    for (let i = 0; i < size; i++)
      requests.push({ client, path: i % 3, ...more, timeMs: at + (more.gapMs ?? 150) * i })
  }
  return requests
}

function fit(requests: readonly Asked[], knowsPaths = true) {
  const activity = new ClientActivity(RATES)
  const untilMs = START_MS + DAYS * DAY_MS
  const history = requests.filter(({ timeMs }) => timeMs < untilMs).toSorted((a, b) => a.timeMs - b.timeMs)
  const mixed = (value: number) => Math.imul(value + 1, 0x9e3779b1) >>> 8
  for (const { client, timeMs, path = 0, query = 0, status = 200 } of history) {
    const paths = knowsPaths ? { path: mixed(path), target: mixed(path + 7919 * query) } : NO_PATHS
    activity.add(client, timeMs, { status, endpoint: 1, ...paths })
  }
  const curves = { limits: RATES, curves: activity.curves }
  const traffic = { hours: activity.hours(), curves, paths: activity.pathCounts(), excluded: [], seed: 1 }
  const found = fitClientLimit(traffic)!
  const programs = found.programs.map((each) => ({
    ...each,
    client: `${each.client}`,
    kind: 'user' as const,
  }))
  const general = { ...found, burst: found.burstAt(found.limit) }
  const exceptions = exceptionsFor(general, programs, found.untilMs)
  return { ...general, exceptions, names: exceptions.map(({ client }) => Number(client)) }
}

const NO_PATHS = { path: undefined, target: undefined }

t.test('nine cron-like clients among 260 keep their requests', async (t) => {
  const sizes = [5, 8, 11, 14, 17, 20, 23, 26, 30]
  const all = [...people, ...sizes.flatMap((size, i) => cron(251 + i, size, 10))]
  const found = fit(all)
  const later = all
    .filter(({ timeMs }) => timeMs >= START_MS + DAYS * DAY_MS)
    .toSorted((a, b) => a.timeMs - b.timeMs)
  const replayed = (exceptions: typeof found.exceptions) => {
    const { limit, burst, longWindow, dayWindow } = found
    const window = (of: typeof longWindow) => ({ limit: of!.limit, windowMs: of!.seconds * 1000 })
    const replay = new Replay({
      rules: [
        {
          ...{
            limit,
            burst,
            windowMs: MINUTE_MS,
            longWindow: window(longWindow),
            dayWindow: window(dayWindow),
          },
          exceptions: new Map(exceptions.map((each) => [each.client, each])),
        },
      ],
      ...{ scope: 'client', algorithm: 'token_bucket', clientName: String },
    })
    replay.push({
      length: later.length,
      timeMs: Float64Array.from(later, ({ timeMs }) => timeMs),
      client: Uint32Array.from(later, ({ client }) => client),
      endpoint: new Uint32Array(later.length),
      tier: new Uint8Array(later.length),
    })
    return replay.report()
  }
  const { rejectionRate, clientsAffected } = replayed(found.exceptions)
  t.ok(rejectionRate <= 0.001, `${rejectionRate}`)
  t.ok(clientsAffected <= 3, `${clientsAffected}`)
  t.ok(replayed([]).rejectionRate > 0.02, 'without exceptions many are lost')
  t.ok(found.names.includes(259))
  t.match(
    found.exceptions.find(({ client }) => client === '259'),
    {
      ...{ kind: 'user', limit: 45, burst: Number },
      reason: /about every 10 minutes, with up to 30 requests a minute, on 7 of 7 days, .* 100 % /,
      reviewAt: new Date(START_MS + (DAYS + 30) * DAY_MS).toISOString(),
    },
  )
  const plain = fit(people)
  t.equal(found.limit, plain.limit, 'the limit of the others is that of the people')
  t.same(plain.exceptions, [])
})

t.test('what is an exception, and what is not', async (t) => {
  const even = (client: number, more: (i: number) => Partial<Asked>) =>
    steady(client, 300, 0, 24 * DAYS).map((each, i): Asked => ({ ...each, ...more(i) }))
  const nightly = Array.from({ length: DAYS }, (_, day) => steady(300, 1800, 24 * day + 2, 1)).flat()
  for (const [name, requests, isException] of [
    ['bursts every ten minutes', cron(300, 25, 10), true],
    ['bursts every half hour', cron(300, 40, 30), true],
    ['polls of one path at an even pace', even(300, () => ({ path: 1 })), true],
    ['a nightly job', nightly, true],
    ['an even pace over many paths', even(300, (i) => ({ path: i })), false],
    ['an even pace over 500 paths again and again', even(300, (i) => ({ path: i % 500 })), true],
    ['an even pace over 25,000 paths, twice', even(300, (i) => ({ path: i % 25_000 })), false],
    ['an even pace on one path with ever new queries', even(300, (i) => ({ path: 1, query: i })), false],
    ['bursts over thousands of paths', cron(300, 25, 10).map((each, i) => ({ ...each, path: i })), false],
    ['bursts that fail', cron(300, 25, 10, { status: 404 }), false],
    ['a flood that comes once', steady(300, 60_000, 40, 1), false],
    ['a flood for a whole day', steady(300, 1000, 48, 24), false],
    [
      'a program of the last day',
      cron(300, 25, 10).filter(
        ({ timeMs }) => timeMs > START_MS + 6 * DAY_MS && timeMs < START_MS + 7 * DAY_MS,
      ),
      false,
    ],
    ['bursts of hundreds of times the others', cron(300, 1000, 360, { gapMs: 10 }), false],
  ] as const) {
    t.same(fit([...people, ...requests]).names, isException ? [300] : [], name)
  }
  const unknown = fit([...people, ...even(300, () => ({}))], false)
  t.same(unknown.names, [], 'an even pace whose paths are not known is no evidence')
  t.same(fit([...people, ...cron(300, 25, 10)], false).names, [300])
})

t.test('a flood by a program does not raise its limit', async (t) => {
  const program = cron(300, 25, 10)
  const flood = steady(300, 9000, 100, 1)
  const [before] = fit([...people, ...program]).exceptions
  const [after] = fit([...people, ...program, ...flood]).exceptions
  t.equal(after!.limit, before!.limit)
  t.ok(after!.burst <= after!.limit)
})

t.test(
  'the limit of an exception is never below that of the others, and only who needs one gets one',
  async (t) => {
    const needs = { busiestMinute: 4, busiestHour: 100, busiestDay: 2000, requests: 9, reason: 'It is.' }
    const program = { client: 'sync', kind: 'address' as const, limit: 6, burst: 6, ...needs }
    const general = { limit: 20, burst: 10, longWindow: null, dayWindow: null }
    t.same(exceptionsFor(general, [program], 0), [])
    const dayWindow = { seconds: DAY_MS / 1000, limit: 2999 }
    t.match(exceptionsFor({ ...general, dayWindow }, [program], 0), [
      {
        client: 'sync',
        limit: 20,
        burst: 10,
        reason: /^It is\. It has up to 2000 requests a day: too close/,
      },
    ])
    const hour = (limit: number) => ({ ...general, longWindow: { seconds: HOUR_MS / 1000, limit } })
    t.equal(exceptionsFor(hour(149), [program], 0).length, 1, 'with half as much to spare')
    t.same(exceptionsFor(hour(150), [program], 0), [])
    const [own] = exceptionsFor({ ...hour(149), dayWindow, limit: 5 }, [program], 0)
    t.match(own!.reason, /up to 100 requests an hour and 2000 requests a day:/)
    const [minute] = exceptionsFor({ ...general, limit: 5 }, [program], 0)
    t.equal(minute!.reason, 'It is.')
  },
)
