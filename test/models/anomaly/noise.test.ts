import t, { type Test } from 'tap'
import { fitNoise, sigmaAt } from '../../../models/anomaly/noise.js'
import { createRandom, type Random } from '../../../models/statistics/random.js'

const LEAST = { sigma: 0.03, sampling: 0 }
const N = 20_000

/** Residuals with a spread that the number of requests adds to: 5 to 5,000 of them a minute. */
function simulated(
  { sigma, sampling, draw = (random: Random) => random.normal() }: Partial<Drawn> & Scatter,
  factorOf: (hour: number) => number = () => 1,
) {
  const random = createRandom(3)
  const terms = Float64Array.from({ length: N }, () => 1 / (5 * 1000 ** random.uniform()))
  const hours = Uint8Array.from({ length: N }, (_, i) => Math.floor(i / 60) % 24)
  const residuals = terms.map(
    (term, i) => Math.sqrt(sigma ** 2 + sampling * term) * factorOf(hours[i]!) * draw(random),
  )
  return { residuals, terms, hours }
}

interface Scatter {
  readonly sigma: number
  readonly sampling: number
}
interface Drawn {
  readonly draw: (random: Random) => number
}

const fitted = ({ residuals, terms, hours }: ReturnType<typeof simulated>, least = LEAST) =>
  fitNoise(residuals, terms, hours, least)

const within = (t: Test, found: number, wanted: number, share: number, name: string) =>
  t.ok(Math.abs(found - wanted) <= share * wanted, `${name} ${found.toFixed(4)}, put in ${wanted}`)

const scatters: Scatter[] = [
  { sigma: 0.1, sampling: 0 },
  { sigma: 0.1, sampling: 1 },
  { sigma: 0.05, sampling: 4 },
  { sigma: 0.3, sampling: 2 },
]

for (const scatter of scatters) {
  t.test(`what was put in is found: ${scatter.sigma} and ${scatter.sampling} / requests`, async (t) => {
    const noise = fitted(simulated(scatter))
    for (const requests of [5, 30, 300, 5000]) {
      const wanted = Math.sqrt(scatter.sigma ** 2 + scatter.sampling / requests)
      within(t, sigmaAt(noise, 1 / requests, 12), wanted, 0.12, `at ${requests} requests:`)
    }
    within(t, noise.sigma, scatter.sigma, 0.1, 'sigma')
    if (scatter.sampling > 0) within(t, noise.sampling, scatter.sampling, 0.2, 'sampling')
    t.ok(noise.up < 1.05 && noise.down < 1.05, 'normal tails ask for nothing')
  })
}

t.test('five percent of outliers change little', async (t) => {
  const history = simulated({ sigma: 0.1, sampling: 1 })
  const calm = fitted(history)
  const noise = fitted({
    ...history,
    residuals: history.residuals.map((each, i) => (i % 20 === 0 ? 5 : each)),
  })
  within(t, noise.sigma, calm.sigma, 0.15, 'sigma')
  within(t, noise.sampling, calm.sampling, 0.25, 'sampling')
  t.ok(noise.up <= 2 && noise.down < 1.1, `tails ${noise.up} and ${noise.down}`)
})

t.test('long tails widen their own side', async (t) => {
  const laplace = (random: Random) => -Math.log1p(-random.uniform()) * (random.uniform() < 0.5 ? -1 : 1)
  const both = fitted(simulated({ sigma: 0.1, sampling: 0, draw: laplace }))
  // The 95th percentile of Laplace's distribution is ln 10, its median size ln 2.
  const wanted = Math.log(10) / (1.4826 * Math.log(2)) / 1.645
  within(t, both.up, wanted, 0.06, 'up')
  within(t, both.down, wanted, 0.06, 'down')
  const skewed = (random: Random) => {
    const z = random.normal()
    return z > 0 ? 2 * z : z
  }
  const one = fitted(simulated({ sigma: 0.1, sampling: 0, draw: skewed }))
  t.ok(one.up > 1.2 && one.down === 1, `up ${one.up}, down ${one.down}`)
})

t.test('a restless hour has a spread of its own, up to twice the usual', async (t) => {
  const restless = (factor: number) =>
    fitted(simulated({ sigma: 0.1, sampling: 0 }, (hour) => (hour === 3 ? factor : 1))).hours
  const half = restless(1.5)
  within(t, half[3]!, 1.5, 0.1, 'half as much again')
  for (const hour of [0, 2, 4, 23]) within(t, half[hour]!, 1, 0.1, `hour ${hour}`)
  t.equal(restless(10)[3], 2)
})

t.test('an hour of few minutes is believed little', async (t) => {
  const { residuals, terms, hours } = simulated({ sigma: 0.1, sampling: 0 })
  const few = hours.map((hour, i) => (i < 10 ? 5 : hour === 5 ? 6 : hour))
  const noise = fitNoise(
    residuals.map((each, i) => (i < 10 ? 1.5 * each : each)),
    terms,
    few,
    LEAST,
  )
  t.ok(Math.abs(noise.hours[5]! - 1) < 0.25, `${noise.hours[5]}`)
})

t.test('calm is never taken for calmer than the least', async (t) => {
  const least = { sigma: 0.03, sampling: 1 }
  const constant = fitNoise(
    new Float64Array(500),
    new Float64Array(500).fill(0.01),
    new Uint8Array(500),
    least,
  )
  t.match(constant, { sigma: 0.03, sampling: 1 })
  const quiet = fitted(simulated({ sigma: 0.001, sampling: 0.01 }), least)
  t.match(quiet, { sigma: 0.03, sampling: 1 })
})

t.test('without residuals the least is known, and with one it has a scale', async (t) => {
  const nothing = fitNoise(new Float64Array(0), new Float64Array(0), new Uint8Array(0), LEAST)
  t.same(nothing, { ...LEAST, hours: new Float64Array(24).fill(1), up: 1, down: 1 })
  for (const residual of [0, 0.2, -7]) {
    const one = fitNoise(Float64Array.of(residual), Float64Array.of(0.1), Uint8Array.of(4), LEAST)
    t.ok(one.sigma >= LEAST.sigma && Number.isFinite(one.sigma) && one.sampling >= 0)
    t.ok(one.hours.every((factor) => factor >= 0.7 && factor <= 2))
    t.ok(one.up >= 1 && one.up <= 2 && one.down >= 1 && one.down <= 2)
  }
})
