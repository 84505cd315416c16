import t from 'tap'
import type { AnomalyType } from '../../../models/anomaly/verdict.js'
import { EMPTY_BOOK } from '../../../models/incidents/book-state.js'
import { recordRound } from '../../../models/incidents/book.js'
import { deviationSizes } from '../../../models/incidents/deviation-size.js'
import { deviationOfImpact } from '../../../models/incidents/deviation-of-impact.js'
import {
  deviationsOf,
  hoursOf,
  indexFeedback,
  isMuted,
  NO_FEEDBACK,
  ofAllTimes,
  withoutMarked,
  withoutMuted,
  wouldMute,
  type Feedback,
} from '../../../models/incidents/feedback.js'
import type { Series, SeriesMinute } from '../../../models/incidents/series-minute.js'
import { endpoint, GATEWAY, MINUTE_MS, START_MS } from './minutes.js'

const HOUR = 60 * MINUTE_MS
const DAY = 24 * HOUR
const ORDERS = endpoint('GET /orders/{id}')

interface Given {
  readonly series?: Series
  readonly timeMs?: number
  readonly requests?: number
  readonly failed?: number
  readonly latencyMs?: number | null
  readonly type?: AnomalyType | null
  readonly severity?: 'high' | 'critical'
}

/** A minute of a series that usually has 995 requests, 10 of which fail, of 50 ms each. */
function aMinute(given: Given = {}): SeriesMinute {
  const { series = ORDERS, timeMs = START_MS, requests = 995, failed = 10, latencyMs = 50 } = given
  const { type = null, severity = 'high' } = given
  return {
    ...{ series, timeMs, seconds: 60, requests, failed, latencyMs },
    expected: { requests: 995, failed: 10, latencyMs: 50 },
    alarm: type && { type, severity, sinceMs: timeMs, explanation: '' },
  }
}

/** Feedback on an incident of these minutes, for 30 days after it. */
function marked(minutes: readonly SeriesMinute[], changes: Partial<Feedback> = {}): Feedback {
  const endedMs = minutes.at(-1)!.timeMs + MINUTE_MS
  return {
    ...{ startedMs: minutes[0]!.timeMs, endedMs, fromMs: endedMs, toMs: endedMs + 30 * DAY },
    ...{ deviations: deviationsOf(minutes), bookNumber: 1 },
    ...changes,
  }
}

const mutes = (feedback: Feedback, minute: SeriesMinute, timeZone = 'UTC') =>
  isMuted(minute, indexFeedback([feedback], timeZone))

const NEXT_DAY = START_MS + DAY

t.test('sizes say how far a minute deviates, each kind in its own way', async (t) => {
  t.same(deviationSizes(aMinute()), {
    ...{ traffic_spike: 0, traffic_drop: 0, latency_spike: 0, error_rate_spike: 0 },
  })
  t.equal(
    deviationSizes(aMinute({ requests: 2995 })).traffic_spike,
    2,
    'twice the expected requests too many',
  )
  t.equal(deviationSizes(aMinute({ requests: 495 })).traffic_drop, 0.5)
  t.equal(deviationSizes(aMinute({ latencyMs: 200 })).latency_spike, 3)
  t.equal(deviationSizes(aMinute({ failed: 210 })).error_rate_spike, 0.2)
  t.ok(Number.isNaN(deviationSizes(aMinute({ latencyMs: null })).latency_spike))
  t.equal(deviationSizes({ ...aMinute({ requests: 0, failed: 0, latencyMs: null }) }).latency_spike, 0)
})

t.test('up to one and a half times the size is muted, more is not', async (t) => {
  const cases: [AnomalyType, Given, Given, Given][] = [
    ['latency_spike', { latencyMs: 200 }, { latencyMs: 270 }, { latencyMs: 280 }],
    ['error_rate_spike', { failed: 210 }, { failed: 305 }, { failed: 315 }],
    ['traffic_spike', { requests: 2995 }, { requests: 3990 }, { requests: 4010 }],
    ['traffic_drop', { requests: 695 }, { requests: 550 }, { requests: 540 }],
    // Of shares, at least two thirds of what was well is still well.
    ['traffic_drop', { requests: 195 }, { requests: 130 }, { requests: 120 }],
    ['error_rate_spike', { failed: 710 }, { failed: 805 }, { failed: 815 }],
  ]
  for (const [type, was, similar, larger] of cases) {
    const feedback = marked([aMinute({ ...was, type })])
    const at = (given: Given) => aMinute({ ...given, type, timeMs: NEXT_DAY })
    t.ok(mutes(feedback, at(was)), `the same ${type}`)
    t.ok(mutes(feedback, at(similar)), `a similar ${type}`)
    t.notOk(mutes(feedback, at(larger)), `a larger ${type}`)
    t.notOk(mutes(feedback, { ...at(similar), alarm: null }), 'without an alarm')
  }
})

t.test('another series, kind, hour or time is not muted', async (t) => {
  const slow = { latencyMs: 200, type: 'latency_spike' } as const
  const feedback = marked([aMinute(slow), aMinute({ ...slow, timeMs: START_MS + MINUTE_MS })])
  const at = (given: Given) => mutes(feedback, aMinute({ timeMs: NEXT_DAY, ...slow, ...given }))
  t.ok(at({}))
  t.notOk(at({ series: endpoint('POST /orders') }))
  t.notOk(at({ series: GATEWAY }))
  t.notOk(at({ series: { kind: 'source', name: ORDERS.name } }))
  t.notOk(at({ latencyMs: 50, failed: 500, type: 'error_rate_spike' }))
  t.notOk(at({ failed: 500 }), 'as slow, and it fails')
  t.notOk(at({ requests: 300 }), 'as slow, and requests are missing')
  t.ok(at({ requests: 1080, failed: 15 }), 'as slow, and what chance explains')
  t.ok(at({ timeMs: NEXT_DAY - HOUR }))
  t.ok(at({ timeMs: NEXT_DAY + 2 * HOUR - MINUTE_MS }))
  t.notOk(at({ timeMs: NEXT_DAY - HOUR - MINUTE_MS }))
  t.notOk(at({ timeMs: NEXT_DAY + 2 * HOUR }))
  t.notOk(at({ timeMs: START_MS }), 'before the mark')
  t.ok(at({ timeMs: START_MS + 30 * DAY }))
  t.notOk(at({ timeMs: START_MS + 31 * DAY }), 'after thirty days')
  t.notOk(at({ latencyMs: null }), 'of an unknown size')
})

t.test('hours are those of the time zone, and go around midnight', async (t) => {
  const at = (text: string) => Date.parse(text)
  const span = (startedMs: number, minutes: number) => ({
    startedMs,
    endedMs: startedMs + minutes * MINUTE_MS,
  })
  t.same(hoursOf(span(at('2026-01-05T12:10Z'), 5), 'UTC'), [11, 12, 13])
  t.same(hoursOf(span(at('2026-01-05T12:50Z'), 20), 'UTC'), [11, 12, 13, 14])
  t.same(hoursOf(span(at('2026-01-05T12:00Z'), 60), 'UTC'), [11, 12, 13])
  t.same(hoursOf(span(at('2026-01-05T23:30Z'), 5), 'UTC'), [0, 22, 23])
  t.same(hoursOf(span(at('2026-01-05T18:40Z'), 5), 'Asia/Kolkata'), [0, 1, 23])
  t.equal(hoursOf(span(at('2026-01-05T12:00Z'), 10_000), 'UTC').length, 24)
  t.same(hoursOf(span(at('2026-01-05T12:00Z'), 0), 'UTC'), [11, 12, 13])
  // On 29 March, the clocks of Berlin go forward: the same hour of the wall is another one of UTC.
  const slow = { latencyMs: 200, type: 'latency_spike' } as const
  const feedback = marked([aMinute({ ...slow, timeMs: at('2026-03-20T08:30Z') })])
  t.ok(mutes(feedback, aMinute({ ...slow, timeMs: at('2026-04-02T06:30Z') }), 'Europe/Berlin'))
  t.notOk(mutes(feedback, aMinute({ ...slow, timeMs: at('2026-04-02T09:30Z') }), 'Europe/Berlin'))
})

t.test('a critical alarm is muted only if it harms no more than what was marked', async (t) => {
  // Twice as long is harm of 0.2; two and a half times is similar in size, but twice the harm.
  const feedback = marked([aMinute({ latencyMs: 100, type: 'latency_spike' })])
  const at = (latencyMs: number, severity: 'high' | 'critical') =>
    mutes(feedback, aMinute({ latencyMs, severity, type: 'latency_spike', timeMs: NEXT_DAY }))
  t.ok(at(120, 'high'))
  t.notOk(at(120, 'critical'))
  t.ok(at(100, 'critical'), 'severe only because it lasts')
})

t.test('alarms about several kinds are compared kind by kind, patterns with patterns', async (t) => {
  const both = { latencyMs: 200, failed: 210 }
  const joint = marked([aMinute({ ...both, type: 'multi_dimensional' })])
  const at = (feedback: Feedback, given: Given) => mutes(feedback, aMinute({ ...given, timeMs: NEXT_DAY }))
  t.ok(at(joint, { ...both, type: 'multi_dimensional' }))
  t.ok(at(joint, { latencyMs: 200, type: 'latency_spike' }), 'one of the kinds')
  t.notOk(at(joint, { requests: 3000, type: 'traffic_spike' }))
  t.notOk(at(joint, { ...both, requests: 3000, type: 'multi_dimensional' }), 'one kind more')
  t.notOk(at(joint, { type: 'pattern_anomaly' }))
  const slow = marked([aMinute({ latencyMs: 200, type: 'latency_spike' })])
  t.ok(at(slow, { latencyMs: 200, failed: 12, type: 'multi_dimensional' }), 'the other kind does not matter')
  t.notOk(at(slow, { ...both, type: 'multi_dimensional' }))
  const pattern = marked([aMinute({ type: 'pattern_anomaly' })])
  t.ok(at(pattern, { type: 'pattern_anomaly' }))
  t.notOk(at(pattern, { ...both, type: 'pattern_anomaly' }), 'with deviations of other kinds')
  t.notOk(at(pattern, { type: 'latency_spike' }))
})

t.test(
  'a round without the muted alarms keeps the others; the gateway is quiet when nothing else is left',
  async (t) => {
    const slow = { latencyMs: 200, type: 'latency_spike' } as const
    const index = indexFeedback([marked([aMinute(slow)])], 'UTC')
    const orders = aMinute({ ...slow, timeMs: NEXT_DAY })
    const other = aMinute({ ...slow, timeMs: NEXT_DAY, series: endpoint('POST /orders') })
    const whole = (latencyMs: number): SeriesMinute => ({
      ...aMinute({ ...slow, series: GATEWAY, timeMs: NEXT_DAY, requests: 3980, latencyMs }),
      expected: { requests: 3980, failed: 10, latencyMs: 50 },
    })
    const alarms = (minutes: readonly SeriesMinute[]) =>
      withoutMuted(minutes, index).map(({ alarm }) => alarm !== null)
    t.same(alarms([whole(87.5), orders]), [false, false], 'a quarter of the requests is 150 ms slower')
    t.same(alarms([whole(125), orders, other]), [true, false, true], 'of two endpoints, one is not muted')
    t.same(alarms([whole(125), aMinute({ ...slow, latencyMs: 1000, timeMs: NEXT_DAY })]), [true, true])
    const round = [whole(87.5), other]
    t.equal(withoutMuted(round, index), round, 'nothing to mute')
    t.equal(withoutMuted(round, NO_FEEDBACK), round)
  },
)

t.test('the gateway is not quiet when its minute does not show what its alarm is about', async (t) => {
  const slow = { latencyMs: 200, type: 'latency_spike' } as const
  const index = indexFeedback([marked([aMinute(slow)])], 'UTC')
  const orders: SeriesMinute = {
    ...aMinute({ ...slow, timeMs: NEXT_DAY, requests: 20, failed: 0 }),
    expected: { requests: 20, failed: 0, latencyMs: 50 },
  }
  const whole = (type: AnomalyType, latencyMs: number): SeriesMinute => ({
    ...aMinute({ series: GATEWAY, timeMs: NEXT_DAY, requests: 50_000, latencyMs, type }),
    expected: { requests: 50_000, failed: 10, latencyMs: 50 },
  })
  const isQuiet = (gateway: SeriesMinute) => withoutMuted([gateway, orders], index)[0]!.alarm === null
  t.notOk(isQuiet(whole('pattern_anomaly', 50)))
  t.notOk(isQuiet(whole('latency_spike', 50)), 'only the slowest requests are slower')
  t.notOk(isQuiet(whole('latency_spike', 60)), 'the few requests of the endpoint do not make it')
  t.ok(isQuiet(whole('latency_spike', 50.05)), 'they make all of it')
})

t.test('with the gateway, endpoints are quiet that deviate as it does', async (t) => {
  const silent = { requests: 100, failed: 1, type: 'traffic_drop' } as const
  const index = indexFeedback([marked([aMinute({ ...silent, series: GATEWAY })])], 'UTC')
  const timeMs = NEXT_DAY
  const whole = aMinute({ ...silent, series: GATEWAY, timeMs })
  const alarms = (endpointMinute: SeriesMinute) =>
    withoutMuted([whole, endpointMinute], index).map(({ alarm }) => alarm !== null)
  t.same(alarms(aMinute({ ...silent, requests: 90, timeMs })), [false, false])
  t.same(alarms(aMinute({ ...silent, requests: 0, failed: 0, timeMs })), [false, true], 'it is silent alone')
  t.same(alarms(aMinute({ failed: 500, type: 'error_rate_spike', timeMs })), [false, true])
})

t.test('with the gateway, no endpoint is quiet that deviates more than the mark mutes', async (t) => {
  const drop = (requests: number, series: Series, timeMs = NEXT_DAY) =>
    aMinute({ requests, failed: 5, type: 'traffic_drop', series, timeMs })
  const index = indexFeedback([marked([drop(595, GATEWAY, START_MS)])], 'UTC')
  const alarms = (requests: number) =>
    withoutMuted([drop(400, GATEWAY), drop(requests, ORDERS)], index).map(({ alarm }) => alarm !== null)
  t.same(alarms(400), [false, false], 'as the gateway')
  t.same(alarms(300), [false, true], '70 % are missing, and 40 % were marked')
})

t.test('what grows after the mark is an incident of its own', async (t) => {
  const slow = (minute: number, latencyMs: number) =>
    aMinute({ latencyMs, type: 'latency_spike', timeMs: START_MS + minute * MINUTE_MS })
  let book = recordRound(EMPTY_BOOK, [slow(0, 200)]).state
  const feedback = [marked([slow(0, 200)])]
  const index = indexFeedback(feedback, 'UTC')
  const opened: number[] = []
  for (const [minute, latencyMs] of [200, 250, 500, 500].entries()) {
    const timeMs = START_MS + (minute + 1) * MINUTE_MS
    const round = withoutMuted([slow(minute + 1, latencyMs)], index)
    const { state, changes } = recordRound(withoutMarked(book, feedback, timeMs), round)
    book = state
    opened.push(changes.opened.length)
  }
  t.same(opened, [0, 0, 1, 0])
  t.equal(book.count, 2)
  t.equal(withoutMarked(book, feedback, START_MS + DAY), book, 'the new one stays')
})

t.test('the past is judged as it would be today', async (t) => {
  const slow = { latencyMs: 200, type: 'latency_spike' } as const
  const feedback = marked([aMinute(slow)])
  const now = feedback.fromMs + DAY
  const index = indexFeedback(ofAllTimes([feedback, { ...feedback, toMs: now - 1 }], now), 'UTC')
  t.ok(isMuted(aMinute({ ...slow, timeMs: START_MS - 10 * DAY }), index))
  t.equal(index.get('endpoint GET /orders/{id}')?.length, 1, 'without what has ended')
})

t.test('a preview compares whole incidents', async (t) => {
  const slow = { latencyMs: 200, type: 'latency_spike' } as const
  const feedback = marked([aMinute(slow)])
  const past = (minutes: readonly SeriesMinute[], isCritical = false) => {
    const { startedMs, endedMs, deviations } = marked(minutes)
    return wouldMute(feedback, { startedMs, endedMs, deviations, isCritical }, 'UTC')
  }
  t.ok(past([aMinute(slow)]))
  t.ok(past([aMinute({ ...slow, latencyMs: 260, timeMs: START_MS - 3 * DAY })]))
  t.notOk(past([aMinute({ ...slow, latencyMs: 300 })]))
  t.notOk(past([aMinute({ ...slow, timeMs: START_MS + 5 * HOUR })]))
  t.notOk(past([aMinute(slow), aMinute({ ...slow, timeMs: START_MS + 3 * HOUR })]), 'longer than its hours')
  t.notOk(past([aMinute(slow), aMinute({ ...slow, series: endpoint('POST /orders') })]))
  t.notOk(past([aMinute({ ...slow, latencyMs: 100 }), aMinute({ failed: 500, type: 'error_rate_spike' })]))
  t.notOk(past([aMinute()]), 'of an unknown size')
})

t.test('without its minutes, an incident is as large as its impact says', async (t) => {
  const impact = { requests: 10_000, failed: 0, slow: 0, missing: 0, excess: 0 }
  const of = (changes: object, type: AnomalyType) =>
    deviationOfImpact(
      { series: ORDERS, type, severity: 'high', startedMs: START_MS, impact: { ...impact, ...changes } },
      START_MS + 10 * MINUTE_MS,
    )!.sizes
  t.ok(Math.abs(of({ failed: 2000 }, 'error_rate_spike').error_rate_spike - 0.2) < 0.01)
  t.ok(Math.abs(of({ slow: 5000 }, 'latency_spike').latency_spike - 1.75) < 0.01)
  t.ok(Math.abs(of({ missing: 10_000 }, 'traffic_drop').traffic_drop - 0.5) < 0.01)
  t.ok(Math.abs(of({ excess: 5000 }, 'traffic_spike').traffic_spike - 1) < 0.02)
  const nothing = { ...impact, requests: 0 }
  t.equal(
    deviationOfImpact(
      { series: ORDERS, type: 'traffic_drop', severity: 'high', startedMs: START_MS, impact: nothing },
      START_MS,
    ),
    null,
  )
})
