import t from 'tap'
import { inSlices } from '../../../db/in-slices.js'
import { fitEndpoint } from '../../../models/watch/fit-endpoint.js'
import { SLICE } from '../../../models/watch/judge-round.js'
import { beginWatch, decodeStates, encodeStates } from '../../../models/watch/series-state.js'
import { assembleWatch, withEndpoints } from '../../../models/watch/watch-model.js'
import {
  clockFor,
  DAY,
  dayCurve,
  detectorOf,
  gatewayModel,
  MINUTE_MS,
  OPTIONS,
  simulate,
  START_MS,
  type SimulatedEndpoint,
} from './simulated.js'
import { watchRounds } from './watching.js'

const HISTORY = 14 * DAY
/** Troubles after the history, by their first minute in it, half an hour each. */
const [SILENT, SLOW, FAILING, FLOODED, NEW, NEW_FLOODED] = [300, 420, 540, 660, 30, 780]
const WATCHED = 900

const isIn = (minute: number, start: number) => minute - HISTORY >= start && minute - HISTORY < start + 30
const curve = dayCurve(14)

const endpoints: readonly SimulatedEndpoint[] = [
  { name: 'GET /orders', rate: (minute) => (isIn(minute, SILENT) ? 0 : 200 * curve(minute)) },
  { name: 'GET /items', rate: () => 60, latencyMs: (minute) => (isIn(minute, SLOW) ? 200 : 50) },
  {
    name: 'POST /pay',
    rate: (minute) => 12 * curve(minute),
    errors: (minute) => (isIn(minute, FAILING) ? 0.6 : 0.01),
  },
  { name: 'GET /search', rate: (minute) => 30 * curve(minute) * (isIn(minute, FLOODED) ? 6 : 1) },
  {
    name: 'GET /new',
    rate: (minute) => 40 * curve(minute) * (isIn(minute, NEW_FLOODED) ? 12 : 1),
    begins: HISTORY + NEW,
  },
]

const simulated = simulate(endpoints, HISTORY + WATCHED)
const gateway = gatewayModel(simulated, HISTORY)
const clock = clockFor(gateway, simulated, HISTORY)
const inHistory = simulated.histories.slice(0, 4)
const watch = assembleWatch(
  gateway,
  inHistory.map((history) => fitEndpoint(clock, history)),
  OPTIONS,
)
const detector = detectorOf(watch)
const rounds = simulated.rounds.slice(HISTORY)
const whole = watchRounds(rounds, detector)

t.test('each trouble of an endpoint is one incident of this endpoint, within three minutes', async (t) => {
  const expected = [
    ['GET /orders', SILENT, 'traffic_drop'],
    ['GET /items', SLOW, 'latency_spike'],
    ['POST /pay', FAILING, 'error_rate_spike'],
    ['GET /search', FLOODED, 'traffic_spike'],
    ['GET /new', NEW_FLOODED, 'traffic_spike'],
  ] as const
  t.equal(whole.incidents.length, expected.length)
  for (const [i, [name, start, type]] of expected.entries()) {
    const { incident, openedMs } = whole.incidents[i]!
    const minutesLate = (openedMs - START_MS) / MINUTE_MS - HISTORY - start
    t.ok(minutesLate >= 0 && minutesLate <= 2, `${name}: ${minutesLate} minutes late`)
    t.equal(incident.endpoints[0]!.endpoint, name)
    t.equal(incident.endpoints[0]!.type, type)
    t.ok(['high', 'critical'].includes(incident.peak.severity), `${name}: ${incident.peak.severity}`)
    const lasted = (incident.endedMs! - START_MS) / MINUTE_MS - HISTORY - start
    t.ok(Math.abs(lasted - 30) <= 5, `${name}: ended ${lasted} minutes after its beginning`)
  }
})

t.test('a gateway of hours takes jobs for usual, and finds an endpoint that is slow', async (t) => {
  const few: readonly SimulatedEndpoint[] = [
    { name: 'GET /steady', rate: () => 200 },
    { name: 'GET /hourly', rate: (minute) => (minute % 60 < 3 ? 240 : 60) },
    {
      name: 'GET /slow',
      rate: () => 60,
      latencyMs: (minute) => (minute >= 200 && minute < 210 ? 250 : 50),
    },
  ]
  const hours = simulate(few, 300)
  const ofHour = gatewayModel(hours, 70, 1)
  const hourClock = clockFor(ofHour, hours, 70)
  const fits = hours.histories.map((history) => fitEndpoint(hourClock, history))
  const young = detectorOf(assembleWatch(ofHour, fits, OPTIONS))
  const { incidents } = watchRounds(hours.rounds.slice(70), young, beginWatch(false))
  t.equal(incidents.length, 1)
  t.equal(incidents[0]!.incident.endpoints[0]!.endpoint, 'GET /slow')
  t.ok((incidents[0]!.openedMs - START_MS) / MINUTE_MS - 200 <= 2)
})

t.test('the impact is what failed, was slow, missing or too much', async (t) => {
  const [silent, slow, failing, flooded] = whole.incidents.map(({ incident }) => incident.impact)
  const about = (value: number, truth: number) => Math.abs(value / truth - 1) < 0.25
  const rates = (start: number, rate: number) =>
    Array.from({ length: 30 }, (_, i) => rate * curve(start + i)).reduce((sum, each) => sum + each, 0)
  t.ok(about(silent!.missing, rates(SILENT, 200)), JSON.stringify(silent))
  t.ok(about(slow!.slow, 30 * 60), JSON.stringify(slow))
  t.ok(about(failing!.failed, 0.59 * rates(FAILING, 12)), JSON.stringify(failing))
  t.ok(about(flooded!.excess, 5 * rates(FLOODED, 30)), JSON.stringify(flooded))
})

t.test('states that were stored and read again give the same incidents', async (t) => {
  const half = watchRounds(rounds.slice(0, SLOW), detector)
  const read = await inSlices(decodeStates(await inSlices(encodeStates(half.states))))
  const rest = watchRounds(rounds.slice(SLOW), detector, read!)
  t.same(rest.states, whole.states)
  t.equal(half.incidents.length + rest.incidents.length, whole.incidents.length)
  t.equal(await inSlices(decodeStates('{"version":0}')), null)
})

t.test(
  'a new endpoint is watched once its first half hour is known, and fitted again it goes on',
  async (t) => {
    const at = NEW + 300
    const before = watchRounds(rounds.slice(0, at), detector).states
    t.not(before.endpoints.get('GET /new')!.fresh!.levels, null)
    t.same(before.endpoints.get('GET /new')!.fresh!.rows, [])
    const now = clockFor(gateway, simulated, HISTORY + at)
    const refitted = withEndpoints(watch, [fitEndpoint(now, simulated.histories[4]!)])
    const after = watchRounds(rounds.slice(at), detectorOf(refitted), before)
    t.equal(after.states.endpoints.get('GET /new')!.fresh, null)
    const last = after.incidents.at(-1)!.incident
    t.equal(last.endpoints[0]!.endpoint, 'GET /new')
  },
)

t.test('a round of many endpoints pauses between slices', async (t) => {
  const names = Array.from({ length: 2 * SLICE }, (_, i) => `GET /copy/${i}`)
  const [, some] = [...watch.endpoints.values()]
  const copies = new Map(names.map((endpoint) => [endpoint, { ...some!, endpoint }]))
  const many = detectorOf({ ...watch, endpoints: copies })
  t.equal(watchRounds(rounds.slice(0, 1), many).slices, 2)
})
