import t from 'tap'
import fc from '../../properties.js'
import { readLog } from './read-log.js'
import { parseLogTime } from '../../../formats/access-log/log-time.js'

const SAME = Date.UTC(2015, 4, 17, 8, 5, 3)

t.test('the same moment in every way that logs write it', async (t) => {
  for (const text of [
    '17/May/2015:10:05:03 +0200',
    '17/May/2015:08:05:03 +0000',
    '17/May/2015:08:05:03',
    '17/May/2015:02:35:03 -0530',
    '2015-05-17T08:05:03Z',
    '2015-05-17T08:05:03.000Z',
    '2015-05-17t10:05:03+02:00',
    '2015-05-17 10:05:03 +0200',
    '2015-05-17 08:05:03',
    '2015-05-17T10:05:03+02',
    '1431849903',
    '1431849903.000',
    '1431849903000',
    SAME,
    SAME / 1000,
  ]) {
    t.equal(parseLogTime(text), SAME, String(text))
  }
})

t.test('fractions are milliseconds, cut and not rounded', async (t) => {
  t.equal(parseLogTime('2015-05-17T08:05:03.5Z'), SAME + 500)
  t.equal(parseLogTime('2015-05-17T08:05:03,123456789+00:00'), SAME + 123)
  t.equal(parseLogTime('17/May/2015:10:05:03.9999 +0200'), SAME + 999)
  t.equal(parseLogTime('1431849903.123'), SAME + 123)
  t.equal(parseLogTime(1431849903.999), SAME + 999)
})

t.test('a leap second is a second', async (t) => {
  t.equal(parseLogTime('31/Dec/2016:23:59:60 +0000'), Date.UTC(2017, 0, 1))
})

t.test('what is no time, a day that does not exist, and a time before the web', async (t) => {
  for (const value of [
    '',
    '-',
    'yesterday',
    '17/Mai/2015:10:05:03 +0200',
    '31/Apr/2015:10:05:03 +0000',
    '29/Feb/2015:10:05:03 +0000',
    '2015-02-29T10:05:03Z',
    '2015-13-01T10:05:03Z',
    '17/May/2015:24:05:03 +0000',
    '17/May/2015:10:60:03 +0000',
    '17/May/2015:10:05:61 +0000',
    '17/May/2015:10:05:03 +9900',
    '01/Jan/1970:00:00:00 +0000',
    '9999-01-01T00:00:00Z',
    '-1431849903',
    '99999999999999999999',
    0,
    -1,
    NaN,
    Infinity,
    null,
    undefined,
    {},
  ]) {
    t.ok(Number.isNaN(parseLogTime(value)), String(value))
  }
})

t.test('any moment is read back from what is written in any zone', async () => {
  const moment = fc.integer({ min: Date.UTC(1990, 0, 2) / 1000, max: Date.UTC(2199, 11, 30) / 1000 })
  const zone = fc.integer({ min: -23 * 60, max: 23 * 60 })
  const two = (value: number) => String(value).padStart(2, '0')
  const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
  fc.assert(
    fc.property(moment, zone, (seconds, offset) => {
      const local = new Date((seconds + offset * 60) * 1000)
      const sign = offset < 0 ? '-' : '+'
      const [hours, minutes] = [two(Math.floor(Math.abs(offset) / 60)), two(Math.abs(offset) % 60)]
      const day = `${two(local.getUTCDate())}/${months[local.getUTCMonth()]}/${local.getUTCFullYear()}`
      const clock = local.toISOString().slice(11, 19)
      return (
        parseLogTime(`${day}:${clock} ${sign}${hours}${minutes}`) === seconds * 1000 &&
        parseLogTime(`${local.toISOString().slice(0, 19)}${sign}${hours}:${minutes}`) === seconds * 1000
      )
    }),
  )
})

t.test('times without a zone are UTC, which is reported, or of the zone that is given', async (t) => {
  const haproxy =
    '203.0.113.9:5 [19/Apr/2026:12:09:40.250] f b/s 0/0/0/31/31 200 17 - - ---- 1/1/0/0/0 0/0 "GET /a HTTP/1.1"'
  const assumed = readLog(haproxy)
  t.match(assumed.requests, [{ time: '2026-04-19T12:09:40.250Z' }])
  t.match(assumed.doubts, [/no time zone and are read as UTC/])
  const given = readLog(haproxy, '--time-zone Europe/Berlin')
  t.match(given, { requests: [{ time: '2026-04-19T10:09:40.250Z' }], doubts: [] })
  const winter = readLog(haproxy.replace('Apr', 'Dec'), '--time-zone America/New_York')
  t.match(winter.requests, [{ time: '2026-12-19T17:09:40.250Z' }])
  const common = '203.0.113.9 - - [19/Apr/2026:12:09:40 +0200] "GET /a HTTP/1.1" 200 17'
  t.match(readLog(common, '--time-zone Asia/Tokyo').requests, [{ time: '2026-04-19T10:09:40.000Z' }])
  t.strictSame(readLog(common).doubts, [])
  const iis = '2026-03-17 00:03:53 10.0.0.1 GET /a b=1 443 - 203.0.113.9 x - 200 0 0 15'
  t.match(readLog(iis, '--time-zone Asia/Tokyo'), {
    requests: [{ time: '2026-03-17T00:03:53.000Z' }],
    doubts: [],
  })
})
