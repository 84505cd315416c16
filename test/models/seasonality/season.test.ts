import t from 'tap'
import fc from '../../properties.js'
import { RHYTHMS, SLOT_MINUTES, SLOTS, slotOf } from '../../../models/seasonality/rhythm.js'
import { fitSeason, NO_SEASON, seasonAt, withSharpMinutes } from '../../../models/seasonality/season.js'
import { withWeeklyWindows } from '../../../models/seasonality/weekly-windows.js'
import { DAY, minuteByMinute, wave, WEEK, withNoise } from './moments.js'

t.test('every minute of the week has a slot, and every slot is as long as it should be', async (t) => {
  for (const rhythm of RHYTHMS) {
    const minutes = new Float64Array(SLOTS[rhythm])
    for (let minute = 0; minute < WEEK; minute++) minutes[slotOf(rhythm, minute)]!++
    t.ok(
      minutes.every((count) => count > 0 && count % SLOT_MINUTES[rhythm] === 0),
      rhythm,
    )
  }
  t.equal(slotOf('weekpart', 4 * DAY), 0, 'Friday, 00:00')
  t.equal(slotOf('weekpart', 5 * DAY), DAY / 5, 'Saturday, 00:00')
})

t.test('no season adds nothing', async (t) => {
  for (const minute of [0, 59, WEEK - 1]) t.equal(seasonAt(NO_SEASON, minute), 0)
  const none = fitSeason(minuteByMinute(1, wave), 'none', false)
  t.equal(seasonAt(none, 720), 0)
})

t.test('a wave over the day is found again, its end beside its beginning', async (t) => {
  const season = fitSeason(withNoise(minuteByMinute(14, wave), 0.2), 'day', false)
  for (let minute = 0; minute < WEEK; minute += 7) {
    const off = Math.abs(seasonAt(season, minute) - wave(minute))
    if (off > 0.1) t.fail(`minute ${minute} is off by ${off}`)
  }
  t.pass('within a tenth')
})

t.test('a season that was fitted to few samples is the coarser one', async (t) => {
  // Two weeks of which Sunday's noon, alone, stands out: its 30 samples a quarter of an hour are believed mostly.
  const isNoon = (minute: number) => minute >= 6 * DAY + 720 && minute < 6 * DAY + 735
  const season = fitSeason(
    minuteByMinute(14, (minute) => (isNoon(minute) ? 1 : 0)),
    'week',
    false,
  )
  const few = minuteByMinute(14, (minute, _, i) => (i % 15 > 0 ? NaN : isNoon(minute) ? 1 : 0))
  const shrunk = fitSeason(few, 'week', false)
  t.ok(seasonAt(season, 6 * DAY + 725) > 0.7, `${seasonAt(season, 6 * DAY + 725)}`)
  const little = seasonAt(shrunk, 6 * DAY + 725)
  t.equal(little, 0, 'two samples are outvoted')
  t.equal(seasonAt(shrunk, 2 * DAY + 725), 0, 'Wednesday has none of it')
})

t.test('hours without samples take what the time before them has', async (t) => {
  const gap = minuteByMinute(3, (minute) => (minute % DAY >= 600 && minute % DAY < 660 ? NaN : 2))
  const season = fitSeason(gap, 'day', false)
  for (const minute of [0, 599, 630, 660]) t.ok(Math.abs(seasonAt(season, minute) - 2) < 1e-12)
  const nothing = fitSeason(
    minuteByMinute(2, () => NaN),
    'week',
    true,
  )
  t.equal(seasonAt(nothing, 17), 0)
})

t.test('what every hour has at the same minutes is found by minute of the hour', async (t) => {
  const season = fitSeason(
    withNoise(
      minuteByMinute(3, (minute) => (minute % 60 < 2 ? 1 : 0)),
      0.1,
    ),
    'none',
    true,
  )
  for (const [minute, wanted] of [
    [0, 1],
    [61, 1],
    [2, 0],
    [WEEK - 1, 0],
  ] as const) {
    t.ok(Math.abs(seasonAt(season, minute) - wanted) < 0.15, `${minute}: ${seasonAt(season, minute)}`)
  }
})

t.test('sharp minutes are those of jobs, not of chance', async (t) => {
  const noisy = withNoise(
    minuteByMinute(14, () => 0),
    1,
  )
  t.equal(withSharpMinutes(NO_SEASON, noisy).minuteOfDay, null, 'noise has none')
  const job = { ...noisy, values: noisy.values.map((value, i) => (i % DAY === 123 ? value + 8 : value)) }
  const { minuteOfDay } = withSharpMinutes(NO_SEASON, job)
  t.same(
    [...minuteOfDay!.keys()].filter((minute) => minuteOfDay![minute] !== 0),
    [123, DAY + 123],
  )
  t.ok(Math.abs(minuteOfDay![123]! - 8) < 1, `${minuteOfDay![123]}`)
  const four = minuteByMinute(4, (minute) => (minute % DAY === 123 ? 8 : 0))
  t.equal(withSharpMinutes(NO_SEASON, four).minuteOfDay, null, 'four days do not tell')
})

t.test('a window of the week is one of every week, and no incident', async (t) => {
  const from = 6 * DAY + 120
  const isWindow = (minute: number) => minute % WEEK >= from && minute % WEEK < from + 90
  const noisy = (value: (minute: number, i: number) => number, days = 14) =>
    withNoise(
      minuteByMinute(days, (minute, _, i) => value(minute, i)),
      1,
    )
  const { slotOfWeek } = withWeeklyWindows(
    NO_SEASON,
    noisy((minute) => (isWindow(minute) ? 8 : 0)),
  )
  const slots = [...slotOfWeek!.keys()].filter((slot) => slotOfWeek![slot] !== 0)
  t.same(
    slots,
    Array.from({ length: 18 }, (_, i) => from / 5 + i),
  )
  t.ok(slots.every((slot) => slotOfWeek![slot]! > 6 && slotOfWeek![slot]! < 9))
  const none = (moments: ReturnType<typeof noisy>) => withWeeklyWindows(NO_SEASON, moments).slotOfWeek
  t.equal(none(noisy(() => 0)), null, 'noise has none')
  t.equal(none(noisy((minute, i) => (isWindow(minute) && i < WEEK ? 8 : 0))), null, 'nor one of two weeks')
  t.equal(none(noisy((minute) => (isWindow(minute) ? 8 : 0), 7)), null, 'nor a single week')
})

t.test('a season does not depend on the order of its samples', async (t) => {
  const moments = withNoise(minuteByMinute(3, wave), 0.5)
  const season = fitSeason(moments, 'day', true)
  const indexes = [...moments.values.keys()]
  const order = fc.shuffledSubarray(indexes, { minLength: indexes.length })
  fc.assert(
    fc.property(order, (shuffled) => {
      const again = {
        values: Float64Array.from(shuffled, (i) => moments.values[i]!),
        days: Int32Array.from(shuffled, (i) => moments.days[i]!),
        minutesOfWeek: Uint16Array.from(shuffled, (i) => moments.minutesOfWeek[i]!),
      }
      t.same(fitSeason(again, 'day', true), season)
    }),
    { numRuns: 5 },
  )
})
