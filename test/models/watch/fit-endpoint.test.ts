import t from 'tap'
import { expectedAt } from '../../../models/anomaly/expectation.js'
import { fromScale } from '../../../models/anomaly/scales.js'
import { localTimeOf } from '../../../models/seasonality/local-time.js'
import { fitEndpoint } from '../../../models/watch/fit-endpoint.js'
import { assembleWatch, endpointModel, type WatchModel } from '../../../models/watch/watch-model.js'
import { watchModelFromState, watchModelToState } from '../../../models/watch/state.js'
import {
  clockFor,
  DAY,
  dayCurve,
  gatewayModel,
  MINUTE_MS,
  OPTIONS,
  simulate,
  START_MS,
  type SimulatedEndpoint,
} from './simulated.js'

const HISTORY = 14 * DAY
const [noon, night] = [dayCurve(13), dayCurve(2)]

const endpoints: readonly SimulatedEndpoint[] = [
  // An outage of a day and a flood of three hours are in its history.
  {
    name: 'GET /noon',
    rate: (minute) => 300 * noon(minute) * (minute >= 4 * DAY && minute < 5 * DAY ? 0 : 1),
    latencyMs: (minute) => (minute >= 8 * DAY && minute < 8 * DAY + 180 ? 500 : 50),
  },
  { name: 'GET /night', rate: (minute) => 60 * night(minute) },
  { name: 'POST /hourly', rate: (minute) => 20 * (minute % 60 >= 17 && minute % 60 < 20 ? 6 : 1) },
  { name: 'GET /rare', rate: (minute) => 1.5 * noon(minute) },
  { name: 'GET /new', rate: (minute) => 30 * night(minute), begins: HISTORY - 180 },
]

const simulated = simulate(endpoints, HISTORY)
const gateway = gatewayModel(simulated, HISTORY)
const clock = clockFor(gateway, simulated, HISTORY)
const fits = simulated.histories.map((history) => fitEndpoint(clock, history))
const watch = assembleWatch(gateway, fits, OPTIONS)

/** The expected requests of a minute after the history, and of those around it. */
function expectedRate(model: WatchModel, name: string, minute: number): number {
  const { expectations } = endpointModel(model, model.endpoints.get(name)!)
  const moment = localTimeOf('UTC')(START_MS + (HISTORY + minute) * MINUTE_MS)
  return 60 * fromScale('requests_per_second', expectedAt(expectations.requests_per_second, moment))
}

function expectedMs(name: string, minute: number): number {
  const moment = localTimeOf('UTC')(START_MS + (HISTORY + minute) * MINUTE_MS)
  return fromScale(
    'avg_latency_ms',
    expectedAt(watch.endpoints.get(name)!.expectations.avg_latency_ms, moment),
  )
}

t.test('an endpoint with two weeks of history has its own rhythm, unlike that of the gateway', async (t) => {
  for (const hour of [2, 8, 14, 20]) {
    const truth = 60 * night(hour * 60)
    const expected = expectedRate(watch, 'GET /night', hour * 60)
    t.ok(Math.abs(Math.log(expected / truth)) < 0.1, `${hour}:00: ${expected} instead of ${truth}`)
  }
})

t.test('an endpoint with hours of history has the rhythm of the gateway at its own level', async (t) => {
  // Its own three hours are those before midnight.
  const all = (minute: number) => 300 * noon(minute) + 60 * night(minute) + 25 + 1.5 * noon(minute)
  for (const hour of [1, 7, 13]) {
    const expected = expectedRate(watch, 'GET /new', hour * 60)
    const likeGateway = (30 * night(-90) * all(hour * 60)) / all(-90)
    t.ok(Math.abs(Math.log(expected / likeGateway)) < 0.2, `${hour}:00: ${expected}, not ${likeGateway}`)
  }
})

t.test('few requests a minute are expected without bias', async (t) => {
  for (const hour of [1, 13]) {
    const minutes = Array.from({ length: 60 }, (_, i) => hour * 60 + i)
    const mean = (of: (minute: number) => number) => minutes.reduce((sum, minute) => sum + of(minute) / 60, 0)
    const ratio =
      mean((minute) => expectedRate(watch, 'GET /rare', minute)) / mean((minute) => 1.5 * noon(minute))
    t.ok(Math.abs(Math.log(ratio)) < 0.15, `${hour}:00: ${ratio}`)
  }
})

t.test('a job of three minutes in every hour is expected in these minutes alone', async (t) => {
  for (const [minute, truth] of [
    [16, 20],
    [17, 120],
    [19, 120],
    [20, 20],
  ] as const) {
    const expected = expectedRate(watch, 'POST /hourly', 6 * 60 + minute)
    t.ok(Math.abs(Math.log(expected / truth)) < 0.15, `:${minute}: ${expected}`)
  }
})

t.test('a day of silence and three slow hours in the history change nothing', async (t) => {
  const expected = expectedRate(watch, 'GET /noon', 13 * 60)
  t.ok(Math.abs(Math.log(expected / 300)) < 0.05, String(expected))
  t.ok(Math.abs(expectedMs('GET /noon', 60) / 50 - 1) < 0.05)
})

t.test('the noise of an endpoint of Poisson traffic is that of a Poisson count', async (t) => {
  const { sigma, sampling } = watch.endpoints.get('GET /night')!.expectations.requests_per_second.noise
  t.ok(sigma < 0.05, String(sigma))
  t.ok(sampling < 1.25, String(sampling))
})

t.test('the noise of a new endpoint is mostly the typical one', async (t) => {
  const { noise } = watch.endpoints.get('GET /new')!.expectations.p95_latency_ms
  const { sampling } = watch.typical.p95_latency_ms
  t.ok(Math.abs(noise.sampling - sampling) < 0.3 * sampling, `${noise.sampling} ${sampling}`)
})

t.test('the order of the endpoints does not matter', async (t) => {
  const reversed = assembleWatch(gateway, [...fits].reverse(), OPTIONS)
  t.same(reversed.endpoints.get('GET /rare'), watch.endpoints.get('GET /rare'))
})

t.test('a watch model comes back from its state bit for bit', async (t) => {
  const text = JSON.stringify(watchModelToState(watch))
  const back = watchModelFromState(JSON.parse(text), gateway)
  t.same(back, watch)
  t.equal(JSON.stringify(watchModelToState(back)), text)
  t.ok(
    text.length / endpoints.length < 200_000,
    `${text.length / endpoints.length} characters for an endpoint`,
  )
})

t.test('a damaged state is refused with what is wrong', async (t) => {
  const state = JSON.parse(JSON.stringify(watchModelToState(watch)))
  t.throws(() => watchModelFromState({}, gateway), /no watch model/)
  t.throws(() => watchModelFromState({ ...state, endpoints: 1 }, gateway), /endpoints are missing/)
  const nameless = [{ ...state.endpoints[0], endpoint: 1 }]
  t.throws(() => watchModelFromState({ ...state, endpoints: nameless }, gateway), /no name/)
  const damaged = [{ ...state.endpoints[0], expectations: {} }]
  t.throws(() => watchModelFromState({ ...state, endpoints: damaged }, gateway), /is missing/)
})

t.test('marked incidents are not learned, not even where they are most of what there is', (t) => {
  const days = 2 * DAY
  const slowFrom = days - 900
  const slow: SimulatedEndpoint = {
    name: 'GET /slow',
    rate: () => 60,
    latencyMs: (minute) => (minute >= slowFrom ? 500 : 50),
  }
  const young = simulate([slow, { name: 'GET /other', rate: () => 200 }], days)
  const clockOfDays = clockFor(gatewayModel(young, days), young, days)
  const history = young.histories[0]!
  const leftOut = [{ fromMs: START_MS + slowFrom * MINUTE_MS, toMs: START_MS + days * MINUTE_MS }]
  const usual = (fit: ReturnType<typeof fitEndpoint>) => {
    const moment = localTimeOf('UTC')(START_MS + days * MINUTE_MS)
    return fromScale('avg_latency_ms', expectedAt(fit.expectations.avg_latency_ms, moment))
  }
  t.ok(usual(fitEndpoint(clockOfDays, history)) > 200, 'unmarked, it would be the new level')
  const fit = fitEndpoint(clockOfDays, { ...history, leftOut })
  t.ok(Math.abs(usual(fit) - 50) < 5, String(usual(fit)))
  t.equal(fit.minutes, slowFrom)
  t.end()
})
