import t, { type Test } from 'tap'
import { sigmaAt } from './sigma-at.js'
import { fitNoise, longRunVariance, spreadAt, type Noise } from '../../../models/anomaly/noise.js'
import { createRandom, type Random } from '../../../models/statistics/random.js'

const LEAST = { sigma: 0.03, sampling: 0 }
const N = 20_000

/** Residuals with a spread that the number of requests adds to: 5 to 5,000 of them a minute. */
function simulated(
  { sigma, sampling, draw = (random: Random) => random.normal() }: Partial<Drawn> & Scatter,
  factorOf: (minute: number) => number = () => 1,
) {
  const random = createRandom(3)
  const terms = Float64Array.from({ length: N }, () => 1 / (5 * 1000 ** random.uniform()))
  const minutes = Float64Array.from({ length: N }, (_, minute) => minute)
  const residuals = terms.map(
    (term, minute) => Math.sqrt(sigma ** 2 + sampling * term) * factorOf(minute) * draw(random),
  )
  return { residuals, terms, minutes }
}

interface Scatter {
  readonly sigma: number
  readonly sampling: number
}
interface Drawn {
  readonly draw: (random: Random) => number
}

const fitted = ({ residuals, terms, minutes }: ReturnType<typeof simulated>, least = LEAST) =>
  fitNoise({ residuals, terms, minutes }, least)

const longRunSigmaAt = (noise: Noise, term: number, minute: number) =>
  Math.sqrt(longRunVariance(noise, 1) + noise.sampling * term) * spreadAt(noise, minute)

const hourOf = (minute: number) => Math.floor(minute / 60) % 24

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
      within(t, sigmaAt(noise, 1 / requests, 12 * 60), wanted, 0.12, `at ${requests} requests:`)
    }
    within(t, noise.sigma, scatter.sigma, 0.1, 'sigma')
    t.ok(noise.memory < 1.5, `independent minutes have no memory: ${noise.memory}`)
    t.same(noise.minutes, new Float64Array(60).fill(1))
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
  // The 99th percentile of Laplace's distribution is ln 50, its median size ln 2; what is beyond six is left out.
  const wanted = Math.log(50) / (1.4826 * Math.log(2)) / 2.326
  within(t, both.up, wanted, 0.08, 'up')
  within(t, both.down, wanted, 0.08, 'down')
  const skewed = (random: Random) => {
    const z = random.normal()
    return z > 0 ? 2 * z : z
  }
  const one = fitted(simulated({ sigma: 0.1, sampling: 0, draw: skewed }))
  t.ok(one.up > 1.2 && one.down === 1, `up ${one.up}, down ${one.down}`)
})

t.test('a restless hour has a spread of its own, up to twice the usual', async (t) => {
  const restless = (factor: number) =>
    fitted(simulated({ sigma: 0.1, sampling: 0 }, (minute) => (hourOf(minute) === 3 ? factor : 1))).hours
  const half = restless(1.5)
  within(t, half[3]!, 1.5, 0.1, 'half as much again')
  for (const hour of [0, 2, 4, 23]) within(t, half[hour]!, 1, 0.1, `hour ${hour}`)
  t.equal(restless(10)[3], 2)
})

t.test('a restless minute of the hour has a spread of its own, up to four times the usual', async (t) => {
  const restless = (factor: number) =>
    fitted(simulated({ sigma: 0.1, sampling: 0 }, (minute) => (minute % 60 === 2 ? factor : 1))).minutes
  within(t, restless(3)[2]!, 3, 0.15, 'three times')
  t.same(restless(3).with(2, 1), new Float64Array(60).fill(1), 'and no other minute has')
  t.equal(restless(20)[2], 4)
})

t.test('scatter that lasts counts more over minutes, and what few requests add does not', async (t) => {
  const random = createRandom(9)
  const keep = Math.exp(-1 / 8) // eight minutes of memory
  const lasting = (sigma: number, sampling: number) => {
    let level = 0
    const terms = new Float64Array(N).fill(0.01)
    const residuals = terms.map((term) => {
      level = keep * level + Math.sqrt(1 - keep ** 2) * random.normal()
      return sigma * level + Math.sqrt(sampling * term) * random.normal()
    })
    return { residuals, terms, minutes: Float64Array.from({ length: N }, (_, minute) => minute) }
  }
  const noise = fitted(lasting(0.1, 0))
  t.ok(noise.memory > 3, `${noise.memory}`)
  const long = longRunSigmaAt(noise, 0.01, 0) / sigmaAt(noise, 0.01, 0)
  t.ok(Math.abs(long / Math.sqrt(noise.memory) - 1) < 0.05, `${long}`)
  const few = fitted(lasting(0.001, 1), { sigma: 0.001, sampling: 1 })
  t.ok(longRunSigmaAt(few, 0.01, 0) / sigmaAt(few, 0.01, 0) < 1.1, 'chance of few requests has no memory')
})

t.test('an hour of few minutes is believed little', async (t) => {
  const { residuals, terms, minutes } = simulated({ sigma: 0.1, sampling: 0 })
  const isFew = (minute: number) => hourOf(minute) === 5 && minute >= 5 * 60 + 20
  const kept = minutes.filter((minute) => !isFew(minute))
  const noise = fitNoise(
    {
      residuals: Float64Array.from(kept, (minute) => residuals[minute]! * (hourOf(minute) === 5 ? 2 : 1)),
      terms: Float64Array.from(kept, (minute) => terms[minute]!),
      minutes: kept,
    },
    LEAST,
  )
  t.ok(noise.hours[5]! > 1.05 && noise.hours[5]! < 1.7, `${noise.hours[5]} of 2`)
})

t.test('calm is never taken for calmer than the least', async (t) => {
  const least = { sigma: 0.03, sampling: 1 }
  const constant = fitNoise(
    {
      residuals: new Float64Array(500),
      terms: new Float64Array(500).fill(0.01),
      minutes: Float64Array.from({ length: 500 }, (_, minute) => minute),
    },
    least,
  )
  t.match(constant, { sigma: 0.03, sampling: 1 })
  const quiet = fitted(simulated({ sigma: 0.001, sampling: 0.01 }), least)
  t.match(quiet, { sigma: 0.03, sampling: 1 })
})

t.test('without residuals the least is known, and with one it has a scale', async (t) => {
  const nothing = fitNoise(
    { residuals: new Float64Array(0), terms: new Float64Array(0), minutes: new Float64Array(0) },
    LEAST,
  )
  const even = { hours: new Float64Array(24).fill(1), minutes: new Float64Array(60).fill(1) }
  t.same(nothing, { ...LEAST, memory: 1, ...even, up: 1, down: 1 })
  for (const residual of [0, 0.2, -7]) {
    const one = fitNoise(
      { residuals: Float64Array.of(residual), terms: Float64Array.of(0.1), minutes: Float64Array.of(240) },
      LEAST,
    )
    t.ok(one.sigma >= LEAST.sigma && Number.isFinite(one.sigma) && one.sampling >= 0)
    t.ok(one.hours.every((factor) => factor >= 0.7 && factor <= 2))
    t.ok(one.up >= 1 && one.up <= 2 && one.down >= 1 && one.down <= 2)
  }
})
