import t, { type Test } from 'tap'
import { fitDailyLevel, levelAt } from '../../../models/seasonality/daily-level.js'
import { createRandom } from '../../../models/statistics/random.js'

const PER_DAY = 24

/** Days with 24 noisy samples each about the level of the day; NaN: without samples. */
function days(levels: readonly number[], sd = 0.05) {
  const random = createRandom(1)
  const length = levels.length * PER_DAY
  const day = (i: number) => Math.floor(i / PER_DAY)
  return {
    values: Float64Array.from({ length }, (_, i) => levels[day(i)]! + sd * random.normal()),
    days: Int32Array.from({ length }, (_, i) => 20_000 + day(i)),
  }
}

const fitted = (levels: readonly number[], sd?: number) => {
  const { values, days: dayOf } = days(levels, sd)
  return fitDailyLevel(values, dayOf)
}

const near = (t: Test, found: number, wanted: number, tolerance: number, name: string) =>
  t.ok(Math.abs(found - wanted) <= tolerance, `${name}: ${found.toFixed(3)}, not ${wanted}`)

t.test('a steady level is found, and goes on', async (t) => {
  const level = fitted(Array<number>(14).fill(5))
  t.equal(level.slope, 0)
  for (const day of [-10, 0, 7, 13, 14, 20, 100]) near(t, levelAt(level, 20_000 + day), 5, 0.03, `day ${day}`)
})

t.test('a step in the middle falls on its day', async (t) => {
  const level = fitted([...Array<number>(10).fill(5), ...Array<number>(10).fill(7)])
  near(t, levelAt(level, 20_009), 5, 0.05, 'the day before')
  near(t, levelAt(level, 20_010), 7, 0.05, 'the day itself')
})

t.test('growth goes on, and fades', async (t) => {
  const growth = 0.1
  const level = fitted(Array.from({ length: 14 }, (_, day) => 5 + growth * day))
  near(t, level.slope, growth, 0.01, 'slope')
  near(t, levelAt(level, 20_014), 5 + 14 * growth, 1.2 * growth, 'the next day')
  const ahead = Array.from({ length: 60 }, (_, day) => levelAt(level, 20_014 + day))
  t.ok(
    ahead.every((value, day) => day === 0 || value > ahead[day - 1]!),
    'rises all the time',
  )
  t.ok(ahead.at(-1)! < 5 + 14 * growth + 7 * growth, 'to a week of growth at most')
})

t.test('less than a week has no trend, however steep', async (t) => {
  const level = fitted([1, 2, 3, 4, 5, 6])
  t.equal(level.slope, 0)
  t.equal(levelAt(level, 20_100), level.recent)
})

t.test('three days of an incident, and a weekend, do not move the level', async (t) => {
  const incident = fitted([5, 5, 5, 5, 5, 9, 9, 9, 5, 5, 5, 5, 5, 5])
  const weekends = fitted([5, 5, 5, 5, 3, 3, 5, 5, 5, 5, 5, 3, 3, 5, 5, 5, 5])
  for (const level of [incident, weekends]) {
    for (let day = 0; day < 14; day++) near(t, levelAt(level, 20_000 + day), 5, 0.05, `day ${day}`)
    near(t, levelAt(level, 20_014), 5, 0.05, 'the next day')
  }
})

t.test('days without samples have the level of their neighbours, even ten of them', async (t) => {
  const level = fitted([4, 4, 4, ...Array<number>(10).fill(NaN), 4, 4, 4])
  for (let day = 0; day < 16; day++) near(t, levelAt(level, 20_000 + day), 4, 0.05, `day ${day}`)
})

t.test('samples that are not used have no say', async (t) => {
  const { values, days: dayOf } = days(Array.from({ length: 8 }, (_, day) => (day < 4 ? 1 : 100)))
  const level = fitDailyLevel(values, dayOf, (i) => dayOf[i]! < 20_004)
  for (let day = 0; day < 10; day++) near(t, levelAt(level, 20_000 + day), 1, 0.05, `day ${day}`)
})

t.test('one sample is the level; without any it is 0', async (t) => {
  t.equal(levelAt(fitDailyLevel(Float64Array.of(3), Int32Array.of(7)), 7), 3)
  t.equal(levelAt(fitDailyLevel(Float64Array.of(3), Int32Array.of(7)), 99), 3)
  t.equal(levelAt(fitDailyLevel(Float64Array.of(NaN, NaN), Int32Array.of(7, 9)), 8), 0)
  t.equal(levelAt(fitDailyLevel(new Float64Array(0), new Int32Array(0)), 8), 0)
})
