import t from 'tap'
import { calendarEntryAt, parseCalendar } from '../../../models/anomaly/calendar.js'

const CHRISTMAS = { from: '2026-12-25T00:00:00Z', to: '2026-12-26T00:00:00Z', reason: 'Christmas' }
const UPDATE = { from: '2026-12-25T22:00:00+01:00', to: '2026-12-25T23:30:00+01:00' }

t.test('a moment lies in an entry from its beginning to just before its end', async (t) => {
  const calendar = parseCalendar([CHRISTMAS])
  const at = (time: string) => calendarEntryAt(calendar, Date.parse(time))?.reason
  t.equal(at('2026-12-24T23:59:59.999Z'), undefined)
  t.equal(at('2026-12-25T00:00:00Z'), 'Christmas')
  t.equal(at('2026-12-25T23:59:59.999Z'), 'Christmas')
  t.equal(at('2026-12-26T00:00:00Z'), undefined)
})

t.test('offsets count, and an entry without a reason has one', async (t) => {
  t.same(parseCalendar([UPDATE]), [
    {
      fromMs: Date.parse('2026-12-25T21:00:00Z'),
      toMs: Date.parse('2026-12-25T22:30:00Z'),
      reason: 'known exception',
    },
  ])
})

t.test('without an offset it is what the clocks of the time zone show', async (t) => {
  const times = (from: string, to: string, zone?: string) => {
    const { fromMs, toMs } = parseCalendar([{ from, to }], zone)[0]!
    return [fromMs, toMs].map((timeMs) => new Date(timeMs).toISOString())
  }
  t.same(times('2026-12-24', '2026-12-25T12:30', 'Europe/Berlin'), [
    '2026-12-23T23:00:00.000Z',
    '2026-12-25T11:30:00.000Z',
  ])
  t.same(times('2026-07-04', '2026-07-04 18:00:30', 'America/New_York'), [
    '2026-07-04T04:00:00.000Z',
    '2026-07-04T22:00:30.000Z',
  ])
  t.same(times('2026-03-29', '2026-03-30', 'Europe/Berlin'), [
    '2026-03-28T23:00:00.000Z',
    '2026-03-29T22:00:00.000Z',
  ])
  // The clocks show 02:30 twice on the one day, and not at all on the other.
  t.same(times('2026-10-25T02:30', '2026-10-25T03:00', 'Europe/Berlin'), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T02:00:00.000Z',
  ])
  t.same(times('2026-03-29T02:30', '2026-03-29T04:00', 'Europe/Berlin'), [
    '2026-03-29T01:30:00.000Z',
    '2026-03-29T02:00:00.000Z',
  ])
  t.same(times('2026-12-24', '2026-12-25'), ['2026-12-24T00:00:00.000Z', '2026-12-25T00:00:00.000Z'])
})

t.test('of entries that overlap the first is named', async (t) => {
  const calendar = parseCalendar([UPDATE, CHRISTMAS])
  t.equal(calendarEntryAt(calendar, Date.parse('2026-12-25T21:30:00Z'))?.reason, 'known exception')
  t.equal(calendarEntryAt(calendar, Date.parse('2026-12-25T23:00:00Z'))?.reason, 'Christmas')
})

t.test('an empty calendar has no entry', async (t) => {
  t.same(parseCalendar([]), [])
  t.equal(calendarEntryAt([], 0), undefined)
})

t.test('a long reason is cut', async (t) => {
  t.equal(parseCalendar([{ ...CHRISTMAS, reason: 'x'.repeat(1000) }])[0]!.reason.length, 200)
})

t.test('what is wrong is refused, and named', async (t) => {
  const wrong = [
    { ...CHRISTMAS, from: 'Christmas' },
    { ...CHRISTMAS, to: undefined },
    { ...CHRISTMAS, to: '2027' },
    { ...CHRISTMAS, to: '2026-13-01' },
    { ...CHRISTMAS, to: '2027-01-01T25:00' },
    { from: CHRISTMAS.to, to: CHRISTMAS.from },
    { from: CHRISTMAS.from, to: CHRISTMAS.from },
    null,
    'Christmas',
    [],
  ]
  for (const entry of wrong)
    t.throws(() => parseCalendar([CHRISTMAS, entry]), /entry 1 /, JSON.stringify(entry))
  for (const list of [undefined, null, {}, 'Christmas', Array(10_001).fill(CHRISTMAS)]) {
    t.throws(() => parseCalendar(list), /list of at most/)
  }
})
