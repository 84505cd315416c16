import t from 'tap'
import type { RegularHistory } from '../../../models/anomaly/regular-history.js'
import { silentHours, WEEK_HOURS } from '../../../models/anomaly/silent-hours.js'
import { localTimeOf } from '../../../models/seasonality/local-time.js'
import { HOUR_MS } from '../../../models/traffic/durations.js'

const MONDAY = Date.parse('2026-11-02T00:00:00Z')
const utc = localTimeOf('UTC')

/** Rows of an hour between two hours of a week from Monday on; NaN for hours without a row. */
function hourly(from: number, to: number, requestsAt: (hour: number) => number): RegularHistory {
  const hours = Array.from({ length: to - from }, (_, i) => from + i).filter(
    (hour) => !Number.isNaN(requestsAt(hour)),
  )
  return {
    samples: Float64Array.from(hours.flatMap((hour) => [requestsAt(hour) / 3600, 40, 90, 120, 0])),
    timesMs: Float64Array.from(hours, (hour) => MONDAY + hour * HOUR_MS),
    intervalSeconds: 3600,
  }
}

const silentOf = (history: RegularHistory, localTime = utc, expected = 1000) => {
  const silent = silentHours(history, localTime, () => expected) ?? new Uint8Array(WEEK_HOURS)
  return [...silent.keys()].filter((hour) => silent[hour] === 1)
}

const isNight = (hour: number) => hour % 24 < 7 || hour % 24 >= 22

for (const [name, nothing] of [
  ['are left out', NaN],
  ['are empty', 0],
] as const) {
  t.test(`nights whose rows ${name} are silent on every day of the week`, async (t) => {
    const history = hourly(0, 48, (hour) => (isNight(hour) ? nothing : 1000))
    const nights = Array.from({ length: WEEK_HOURS }, (_, hour) => hour).filter(isNight)
    t.same(silentOf(history), nights)
    t.same(silentOf(history, utc, 0), [], 'nothing is expected there')
    t.same(silentOf(hourly(7, 20, (hour) => (isNight(hour) ? nothing : 1000))), [], 'none was seen')
  })
}

t.test('a silent weekend is silent at the weekend', async (t) => {
  const history = hourly(0, 8 * 24, (hour) => (hour >= 5 * 24 && hour < 7 * 24 ? NaN : 1000))
  t.same(
    silentOf(history),
    Array.from({ length: 48 }, (_, i) => 5 * 24 + i),
  )
})

t.test(
  'a lost hour is not silent when other days have it, and no history is silent all the time',
  async (t) => {
    t.same(silentOf(hourly(0, 72, (hour) => (hour === 34 ? NaN : 1000))), [])
    t.same(silentOf(hourly(0, 72, () => 0)), [])
  },
)

t.test('hours are those of local clocks', async (t) => {
  const history = hourly(0, 72, (hour) => (hour % 24 === 3 ? 0 : 1000))
  t.same(silentOf(history, localTimeOf('Europe/Berlin')).slice(0, 2), [4, 28])
})
