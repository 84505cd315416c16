import fc from '../../properties.js'
import t from 'tap'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { createRandom } from '../../../models/statistics/random.js'
import { calibrateWatch, endpointsToReplay, replayEndpoint } from '../../../models/watch/calibrate.js'
import { fitEndpoint } from '../../../models/watch/fit-endpoint.js'
import { levelOfMaxima } from '../../../models/watch/tail-of-maxima.js'
import { assembleWatch, type WatchModel } from '../../../models/watch/watch-model.js'
import {
  clockFor,
  DAY,
  dayCurve,
  detectorOf,
  gatewayModel,
  OPTIONS,
  simulate,
  type Simulated,
  type SimulatedEndpoint,
} from './simulated.js'
import { watchRounds } from './watching.js'

const HISTORY = 14 * DAY

function fitCalibrated(simulated: Simulated, alarmBudget = 0.5): WatchModel {
  const gateway = gatewayModel(simulated, HISTORY)
  const clock = clockFor(gateway, simulated, HISTORY)
  const fits = simulated.histories.map((history) => fitEndpoint(clock, history))
  const watch = assembleWatch(gateway, fits, OPTIONS)
  const { scores } = detectorOf(watch)
  const replayed = endpointsToReplay(watch).map((name) => {
    const history = simulated.histories.find(({ endpoint }) => endpoint === name)!
    return replayEndpoint(watch, clock, history, DEFAULT_EFFECTS, scores.endpoints)
  })
  return calibrateWatch(watch, replayed, alarmBudget)
}

/** Bursts of three to five times the traffic for two to five minutes, about four a day, at any time. */
function bursts(seed: number): (minute: number) => number {
  const random = createRandom(seed)
  const factors = new Float64Array(HISTORY).fill(1)
  for (let minute = 0; minute < HISTORY; minute += 60 + random.integer(600)) {
    factors.fill(3 + 2 * random.uniform(), minute, minute + 2 + random.integer(4))
  }
  return (minute) => factors[minute] ?? 1
}

t.test('the history of a random gateway raises no more incidents than the budget allows', async () => {
  const property = fc.property(
    fc.array(fc.record({ rate: fc.double({ min: -1, max: 2.5, noNaN: true }), hour: fc.nat(23) }), {
      minLength: 2,
      maxLength: 2,
    }),
    fc.nat(1000),
    (drawn, seed) => {
      const endpoints = drawn.map(({ rate, hour }, i): SimulatedEndpoint => {
        const curve = dayCurve(hour)
        return { name: `GET /${i}`, rate: (minute) => 10 ** rate * curve(minute) }
      })
      const simulated = simulate(endpoints, HISTORY, seed)
      const lastWeek = simulated.rounds.slice(7 * DAY)
      const { incidents } = watchRounds(lastWeek, detectorOf(fitCalibrated(simulated)))
      // Half an incident a week.
      const found = incidents.filter(({ incident }) => incident.endpoints.length > 0)
      return found.length <= 1
    },
  )
  // A request a minute by night, and hardly any by day.
  const rare = [22, 23].map((hour) => ({ rate: 0, hour }))
  fc.assert(property, { numRuns: 2, seed: 3, examples: [[rare, 561]], endOnFailure: true })
})

t.test('what recurs in one endpoint raises its own thresholds, not those of others', async (t) => {
  const burst = bursts(1)
  const simulated = simulate(
    [
      { name: 'GET /calm', rate: () => 60 },
      { name: 'GET /bursty', rate: (minute) => 60 * burst(minute) },
    ],
    HISTORY,
  )
  const watch = fitCalibrated(simulated)
  t.ok(watch.endpoints.get('GET /bursty')!.thresholds.gates.traffic_spike > 1.5)
  t.equal(watch.endpoints.get('GET /bursty')!.thresholds.gates.error_rate_spike, 1)
  t.equal(watch.endpoints.get('GET /calm')!.thresholds.gates.traffic_spike, 1)
  t.equal(watch.thresholds.gates.traffic_spike, 1)
})

t.test('the level of maxima is exceeded as seldom as asked for', async (t) => {
  const random = createRandom(5)
  const values = Array.from({ length: 2000 }, () => -Math.log1p(-random.uniform()))
  for (const p of [0.01, 0.001, 0.0001]) {
    const level = levelOfMaxima(values, p)
    t.ok(Math.abs(level / -Math.log(p) - 1) < 0.15, `${p}: ${level} instead of ${-Math.log(p)}`)
  }
})

t.test('incidents in one block of thirty hardly move the level', async (t) => {
  const random = createRandom(6)
  const calm = Array.from({ length: 600 }, () => -Math.log1p(-random.uniform()))
  const disturbed = calm.map((value, i) => (i % 30 === 0 ? 50 : value))
  const [before, after] = [levelOfMaxima(calm, 1e-4), levelOfMaxima(disturbed, 1e-4)]
  t.ok(after >= before && after < 1.5 * before, `${before} ${after}`)
})

t.test('fewer maxima than a tail needs, or only zeros, give no level', async (t) => {
  t.equal(levelOfMaxima([1, 2, 3], 0.01), 0)
  t.equal(levelOfMaxima(new Array<number>(100).fill(0), 0.01), 0)
})
