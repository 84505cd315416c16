import t from 'tap'
import fc from '../../properties.js'
import { localTimeOf } from '../../../models/seasonality/local-time.js'
import { DAY_MS } from '../../../models/traffic/durations.js'

const DAY = 1440
const SUNDAY = 6 * DAY

const berlin = localTimeOf('Europe/Berlin')
const at = (time: string) => Date.parse(time)

t.test('minute 0 of the week is Monday, 00:00, on the clocks of the place', async (t) => {
  const mondays: [string, string][] = [
    ['UTC', '2026-11-16T00:00:00Z'],
    ['Europe/Berlin', '2026-11-16T00:00:00+01:00'],
    ['Europe/Berlin', '2026-07-13T00:00:00+02:00'],
    ['America/New_York', '2026-11-16T00:00:00-05:00'],
    ['Asia/Kolkata', '2026-11-16T00:00:00+05:30'],
    ['Asia/Kathmandu', '2026-11-16T00:00:00+05:45'],
    ['Pacific/Chatham', '2026-11-16T00:00:00+13:45'],
    ['Pacific/Kiritimati', '2026-11-16T00:00:00+14:00'],
  ]
  for (const [zone, monday] of mondays) {
    t.equal(localTimeOf(zone)(at(monday)).minuteOfWeek, 0, zone)
    t.equal(localTimeOf(zone)(at(monday) - 1).minuteOfWeek, 7 * DAY - 1, `${zone}, a moment before`)
  }
})

t.test('days are counted from 1970-01-01 on the clocks of the place', async (t) => {
  t.same(localTimeOf('UTC')(0), { day: 0, minuteOfWeek: 3 * DAY })
  t.same(localTimeOf('Asia/Tokyo')(15 * 3_600_000), { day: 1, minuteOfWeek: 4 * DAY })
  t.same(localTimeOf('America/New_York')(0), { day: -1, minuteOfWeek: 2 * DAY + 19 * 60 })
})

t.test('times before 1970 have days below zero and minutes of the week that are not', async (t) => {
  t.same(localTimeOf('UTC')(at('1969-12-29T00:00:00Z')), { day: -3, minuteOfWeek: 0 })
  t.same(localTimeOf('UTC')(-1), { day: -1, minuteOfWeek: 3 * DAY - 1 })
  t.same(berlin(at('1960-01-04T00:00:00+01:00')), { day: -3650, minuteOfWeek: 0 })
})

t.test('clocks that are put forward leave an hour out', async (t) => {
  t.equal(berlin(at('2026-03-29T00:59:59Z')).minuteOfWeek, SUNDAY + 119, '01:59 in winter')
  t.equal(berlin(at('2026-03-29T01:00:00Z')).minuteOfWeek, SUNDAY + 180, '03:00 in summer')
  t.equal(berlin(at('2026-03-29T21:59:59Z')).minuteOfWeek, SUNDAY + DAY - 1)
  t.equal(berlin(at('2026-03-29T22:00:00Z')).minuteOfWeek, 0)
})

t.test('clocks that are put back show an hour twice', async (t) => {
  t.equal(berlin(at('2026-10-25T00:00:00Z')).minuteOfWeek, SUNDAY + 120, '02:00 in summer')
  t.equal(berlin(at('2026-10-25T00:59:00Z')).minuteOfWeek, SUNDAY + 179)
  t.equal(berlin(at('2026-10-25T01:00:00Z')).minuteOfWeek, SUNDAY + 120, '02:00 in winter')
  t.equal(berlin(at('2026-10-25T22:59:59Z')).minuteOfWeek, SUNDAY + DAY - 1)
})

t.test('the days on which clocks change have 23 and 25 hours', async (t) => {
  const minutesOn = (day: string) => {
    const wanted = at(`${day}T00:00:00Z`) / DAY_MS
    let minutes = 0
    for (let hour = -24; hour < 48; hour++) {
      for (let minute = 0; minute < 60; minute++) {
        const timeMs = wanted * DAY_MS + (hour * 60 + minute) * 60_000
        if (berlin(timeMs).day === wanted) minutes++
      }
    }
    return minutes
  }
  t.equal(minutesOn('2026-03-29'), 23 * 60)
  t.equal(minutesOn('2026-10-25'), 25 * 60)
  t.equal(minutesOn('2026-10-26'), 24 * 60)
})

t.test('in UTC a minute later is the next minute of the week, whenever', async () => {
  const utc = localTimeOf('UTC')
  fc.assert(
    fc.property(fc.integer({ min: -4e12, max: 4e12 }), (timeMs) => {
      const { day, minuteOfWeek } = utc(timeMs)
      const next = utc(timeMs + 60_000)
      const rest = (((day + 3) % 7) + 7) % 7
      return (
        next.minuteOfWeek === (minuteOfWeek + 1) % (7 * DAY) &&
        Math.floor(minuteOfWeek / DAY) === rest &&
        next.day - day === (minuteOfWeek % DAY === DAY - 1 ? 1 : 0)
      )
    }),
  )
})

t.test('the answer does not depend on what was asked before', async (t) => {
  const moments = Array.from({ length: 25_000 }, (_, hour) => at('2024-01-01T00:00:00Z') + hour * 3_600_000)
  const first = moments.map(berlin)
  t.same(moments.toReversed().map(berlin).toReversed(), first)
})

t.test('a zone that is not known is refused', async (t) => {
  for (const zone of ['Europe/Atlantis', '', 'CET+1']) t.throws(() => localTimeOf(zone), RangeError, zone)
})
