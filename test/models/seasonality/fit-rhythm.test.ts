import t, { type Test } from 'tap'
import fc from '../../properties.js'
import {
  daysOf,
  fitRhythm,
  refitRhythm,
  usualAt,
  type Usual,
} from '../../../models/seasonality/fit-rhythm.js'
import type { Rhythm } from '../../../models/seasonality/rhythm.js'
import type { Moments } from '../../../models/seasonality/season.js'
import { createRandom } from '../../../models/statistics/random.js'
import { DAY, minuteByMinute, wave, WEEK, withNoise } from './moments.js'

const NOISE = 0.2
const SATURDAY = 5 * DAY

/** Mean and largest distance from what was put in, over the days of the history. */
function distance(usual: Usual, { days, minutesOfWeek }: Moments, truth: Moments) {
  const off = truth.values.map((value, i) => Math.abs(usualAt(usual, days[i]!, minutesOfWeek[i]!) - value))
  return { mean: off.reduce((sum, each) => sum + each / off.length, 0), most: Math.max(...off) }
}

const alike = (t: Test, usual: Usual, truth: Moments, most: number, name: string) => {
  const { mean, most: found } = distance(usual, truth, truth)
  t.ok(found < most, `${name}: at most ${found.toFixed(3)} off, ${mean.toFixed(3)} on average`)
}

const weekpart = (minute: number) => (minute < SATURDAY ? wave(minute) : -0.5 * wave(minute))
/** Each day of the week has its crest at another time. */
const week = (minute: number) => wave(minute + 200 * Math.floor(minute / DAY))
const onTheHour = (minute: number) => (minute % 60 < 3 ? 1 : 0)

const rhythms: [string, (minute: number) => number, Rhythm[], boolean][] = [
  ['none', () => 0, ['none'], false],
  ['day', wave, ['day'], false],
  ['working days and weekends', weekpart, ['weekpart', 'week'], false],
  ['week', week, ['week'], false],
  ['none, with jobs on the hour', onTheHour, ['none'], true],
  ['day, with jobs on the hour', (minute) => wave(minute) + onTheHour(minute), ['day'], true],
]

for (const [name, shape, among, byMinuteOfHour] of rhythms) {
  t.test(`a rhythm that was put in is chosen and found again: ${name}`, async (t) => {
    const truth = minuteByMinute(21, (minute) => 5 + shape(minute))
    const usual = fitRhythm(withNoise(truth, NOISE))
    t.ok(among.includes(usual.season.rhythm), usual.season.rhythm)
    t.equal(usual.season.minuteOfHour !== null, byMinuteOfHour)
    alike(t, usual, truth, 0.3, name)
    t.ok(distance(usual, truth, truth).mean < 0.08, 'on average')
  })
}

t.test('a rhythm is not believed before two of its cycles', async (t) => {
  const rhythmAfter = (nDays: number, shape: (minute: number) => number) =>
    fitRhythm(withNoise(minuteByMinute(nDays, shape), 0.05)).season.rhythm
  t.equal(rhythmAfter(1.5, wave), 'none')
  t.equal(rhythmAfter(2, wave), 'day')
  t.equal(rhythmAfter(11, weekpart), 'day')
  t.not(rhythmAfter(14, weekpart), 'day')
  t.equal(rhythmAfter(11, week), 'day')
  t.equal(rhythmAfter(14, week), 'week')
})

t.test('days are counted by the hours of the calendar that have a value', async (t) => {
  const everySecond = minuteByMinute(3, (minute, _, i) => (i % 2 === 0 ? wave(minute) : NaN))
  t.equal(daysOf(everySecond), 3)
  t.equal(daysOf({ ...minuteByMinute(1, wave), rowMinutes: 180 }), 180)
  const half = minuteByMinute(3, (minute) => (minute % DAY < DAY / 2 ? wave(minute) : NaN))
  t.equal(daysOf(half), 1.5)
  t.equal(fitRhythm(half).season.rhythm, 'none')
})

t.test('jobs of every hour are learned from half a day', async (t) => {
  const shape = (minute: number) => 5 + (minute % 60 < 10 ? 1 : 0)
  const usual = fitRhythm(withNoise(minuteByMinute(0.5, shape), 0.1))
  t.ok(Math.abs(usualAt(usual, 0, 60) - 6) < 0.4, `${usualAt(usual, 0, 60)}`)
  t.ok(Math.abs(usualAt(usual, 0, 90) - 5) < 0.1)
})

t.test('a history may end on a Sunday, or begin on one', async (t) => {
  const quiet = (minute: number) => 5 + wave(minute) - (minute >= SATURDAY ? 2 : 0)
  const ends = fitRhythm(withNoise(minuteByMinute(14, quiet), NOISE))
  const whole = minuteByMinute(20, quiet)
  const from = 6 * DAY
  const begins = fitRhythm(
    withNoise(
      {
        values: whole.values.slice(from),
        days: whole.days.slice(from),
        minutesOfWeek: whole.minutesOfWeek.slice(from),
      },
      NOISE,
    ),
  )
  for (const [name, usual, firstDay] of [
    ['ends', ends, 14],
    ['begins', begins, 20],
  ] as const) {
    for (let day = firstDay; day < firstDay + 7; day++) {
      const minute = (day % 7) * DAY + 720
      const off = usualAt(usual, day, minute) - quiet(minute)
      t.ok(
        Math.abs(off) < 0.25,
        `${name} on a Sunday, day ${day % 7} of the next week: off by ${off.toFixed(2)}`,
      )
    }
  }
})

t.test('incidents of five percent of the minutes hardly move what is usual', async (t) => {
  const truth = minuteByMinute(14, (minute) => 5 + wave(minute))
  const calm = withNoise(truth, NOISE)
  const random = createRandom(7)
  const values = calm.values.slice()
  for (let incident = 0; incident < 34; incident++) {
    const start = random.integer(values.length - 30)
    values.fill(50, start, start + 30)
  }
  const usual = fitRhythm({ ...calm, values })
  t.equal(usual.season.rhythm, 'day')
  alike(t, usual, truth, 0.5, 'with incidents')
  t.ok(distance(usual, truth, truth).mean < 0.08)
})

t.test('a job that runs for 44 minutes every night has sharp edges', async (t) => {
  const shape = (minute: number) => 5 + wave(minute) + (minute % DAY < 44 ? 2 : 0)
  const moments = withNoise(minuteByMinute(14, shape), 0.1)
  const usual = refitRhythm(fitRhythm(moments), moments, () => true)
  for (const minute of [0, 1, 20, 42, 43, 44, 45, 50, 1438, 1439]) {
    for (const day of [0, 3, 6]) {
      const off = usualAt(usual, day, day * DAY + minute) - shape(minute)
      t.ok(Math.abs(off) < 0.3, `day ${day}, minute ${minute}: off by ${off.toFixed(2)}`)
    }
  }
})

t.test('a refit learns from the used samples alone', async (t) => {
  const truth = minuteByMinute(14, (minute) => 5 + wave(minute))
  const isBroken = (i: number) => i % DAY >= 600 && i % DAY < 900 && i < 6 * DAY
  const values = withNoise(truth, 0.1).values.map((value, i) => (isBroken(i) ? 40 : value))
  const moments = { ...truth, values }
  const usual = refitRhythm(fitRhythm(moments), moments, (i) => !isBroken(i))
  alike(t, usual, truth, 0.2, 'without the broken hours')
})

t.test('a level that steps in the middle is level, not rhythm', async (t) => {
  const truth = minuteByMinute(14, (minute, day) => 5 + wave(minute) + (day < 7 ? 0 : 1))
  const usual = fitRhythm(withNoise(truth, NOISE))
  t.equal(usual.season.rhythm, 'day')
  alike(t, usual, truth, 0.6, 'with a step, half of which is wrong within half a day of it')
})

t.test('growth goes on after the history', async (t) => {
  const growing = (minute: number, day: number) => 5 + wave(minute) + 0.05 * day
  const usual = fitRhythm(withNoise(minuteByMinute(14, growing), NOISE))
  for (const day of [14, 15, 17]) {
    const off = usualAt(usual, day, (day * DAY + 720) % WEEK) - growing(720, day)
    t.ok(Math.abs(off) < 0.12, `day ${day}: off by ${off.toFixed(3)}`)
  }
})

t.test('days without samples leave the rhythm as it is', async (t) => {
  const truth = minuteByMinute(14, (minute) => 5 + wave(minute))
  const noisy = withNoise(truth, NOISE)
  const isMissing = (i: number) => truth.days[i]! >= 4 && truth.days[i]! < 8
  const usual = fitRhythm({ ...noisy, values: noisy.values.map((value, i) => (isMissing(i) ? NaN : value)) })
  t.equal(usual.season.rhythm, 'day')
  alike(t, usual, truth, 0.3, 'with a gap of four days')
})

t.test('a constant more in every sample is that constant more in what is usual', async () => {
  const moments = withNoise(minuteByMinute(3, wave), NOISE)
  const usual = fitRhythm(moments)
  fc.assert(
    fc.property(fc.double({ min: -100, max: 100, noNaN: true }), (constant) => {
      const moved = fitRhythm({ ...moments, values: moments.values.map((value) => value + constant) })
      return [0, 333, 720, 1439].every((minute) =>
        [0, 2, 5].every(
          (day) =>
            Math.abs(
              usualAt(moved, day, day * DAY + minute) - usualAt(usual, day, day * DAY + minute) - constant,
            ) < 1e-9,
        ),
      )
    }),
    { numRuns: 10 },
  )
})

t.test('samples of another unit are what is usual in that unit', async () => {
  const moments = withNoise(minuteByMinute(3, wave), NOISE)
  const usual = fitRhythm(moments)
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (unit) => {
      const scaled = fitRhythm({ ...moments, values: moments.values.map((value) => value * unit) })
      return [0, 333, 720, 1439].every(
        (minute) =>
          Math.abs(usualAt(scaled, 1, DAY + minute) / unit - usualAt(usual, 1, DAY + minute)) < 1e-9,
      )
    }),
    { numRuns: 10 },
  )
})

t.test('a single sample is what is usual everywhere, and of none nothing is', async (t) => {
  const single = fitRhythm({
    values: Float64Array.of(3),
    days: Int32Array.of(20_000),
    minutesOfWeek: Uint16Array.of(77),
  })
  t.equal(usualAt(single, 20_000, 77), 3)
  t.equal(usualAt(single, 20_009, 5000), 3)
  const unknown = fitRhythm(minuteByMinute(3, () => NaN))
  t.match(unknown.season, { rhythm: 'none', minuteOfHour: null })
  t.equal(usualAt(unknown, 1, 5), 0)
})
