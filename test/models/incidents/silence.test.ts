import t from 'tap'
import { concerns, isInForce, silenceOf, type Silence } from '../../../models/incidents/silence.js'
import { localTimeOf } from '../../../models/seasonality/local-time.js'

const aSilence = (changes: Partial<Silence> = {}): Silence => ({
  ...{ source: null, endpoint: null, type: null },
  ...{ fromMs: Date.parse('2026-01-01T00:00Z'), toMs: null, recurring: null },
  ...changes,
})
const hours = (start: number, end: number, ...days: number[]) => ({
  recurring: { days, startMinute: start * 60, endMinute: end * 60 },
})
const [FRI, SAT, SUN] = [4, 5, 6]

t.test('a silence holds from its beginning until before its end', async (t) => {
  const silence = aSilence({ toMs: Date.parse('2026-01-02T00:00Z') })
  const utc = localTimeOf('UTC')
  for (const [time, expected] of [
    ['2025-12-31T23:59:59.999Z', false],
    ['2026-01-01T00:00Z', true],
    ['2026-01-01T23:59:59.999Z', true],
    ['2026-01-02T00:00Z', false],
  ] as const) {
    t.equal(isInForce(silence, Date.parse(time), utc), expected, time)
  }
})

t.test(
  'recurring hours follow the clocks on the wall, over midnight and over both changes of the clocks',
  async (t) => {
    const berlin = localTimeOf('Europe/Berlin')
    const cases: [Partial<Silence>, string, boolean, string][] = [
      [hours(22, 2, FRI), '2026-01-09T20:59Z', false, 'before ten on Friday'],
      [hours(22, 2, FRI), '2026-01-09T21:00Z', true, 'ten on Friday'],
      [hours(22, 2, FRI), '2026-01-10T00:59Z', true, 'two before two on Saturday'],
      [hours(22, 2, FRI), '2026-01-10T01:00Z', false, 'two on Saturday'],
      [hours(22, 2, FRI), '2026-01-10T21:30Z', false, 'half past ten on Saturday'],
      [hours(22, 2, SUN), '2026-01-12T00:30Z', true, 'from Sunday into Monday'],
      [hours(0, 0, SAT), '2026-01-09T23:00Z', true, 'a whole day begins'],
      [hours(0, 0, SAT), '2026-01-10T22:59Z', true, 'a whole day ends'],
      [hours(0, 0, SAT), '2026-01-10T23:00Z', false, 'the day after a whole day'],
      // 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
      [hours(1, 3, SUN), '2026-03-29T00:00Z', true, 'one in spring'],
      [hours(1, 3, SUN), '2026-03-29T00:59Z', true, 'a minute before the change'],
      [hours(1, 3, SUN), '2026-03-29T01:00Z', false, 'three in spring, an hour later'],
      [hours(2, 3, SUN), '2026-03-29T01:00Z', false, 'an hour that is skipped'],
      [hours(22, 6, SAT), '2026-03-29T03:59Z', true, 'the short night holds until six'],
      [hours(22, 6, SAT), '2026-03-29T04:00Z', false, 'six after the short night'],
      // 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
      [hours(2, 3, SUN), '2026-10-25T00:30Z', true, 'half past two, the first time'],
      [hours(2, 3, SUN), '2026-10-25T01:30Z', true, 'half past two, the second time'],
      [hours(2, 3, SUN), '2026-10-25T02:00Z', false, 'three in autumn'],
      [hours(22, 6, SAT), '2026-10-25T04:59Z', true, 'the long night holds until six'],
      [
        { ...hours(22, 2, FRI), toMs: Date.parse('2026-01-09T21:30Z') },
        '2026-01-09T21:30Z',
        false,
        'after its end',
      ],
      [
        { ...hours(22, 2, FRI), fromMs: Date.parse('2026-01-10T00:00Z') },
        '2026-01-09T23:30Z',
        false,
        'before it',
      ],
    ]
    for (const [changes, time, expected, what] of cases) {
      t.equal(isInForce(aSilence(changes), Date.parse(time), berlin), expected, `${what}: ${time}`)
    }
  },
)

t.test('a silence is about its source, endpoint and type', async (t) => {
  const orders = 'GET /orders/{id}'
  const subject = { source: 'default', endpoints: [orders], type: 'latency_spike' as const }
  const cases: [Partial<Silence>, Partial<typeof subject>, boolean][] = [
    [{}, {}, true],
    [{ source: 'default' }, {}, true],
    [{ source: 'other' }, {}, false],
    [{ type: 'latency_spike' }, {}, true],
    [{ type: 'traffic_drop' }, {}, false],
    [{ endpoint: orders }, {}, true],
    [{ endpoint: '/orders/{id}' }, {}, true],
    [{ endpoint: 'POST /orders/{id}' }, {}, false],
    [{ endpoint: 'GET /orders*' }, {}, true],
    [{ endpoint: '/ord*' }, {}, true],
    [{ endpoint: '/*' }, {}, true],
    [{ endpoint: '/orders' }, {}, false],
    [{ endpoint: '/orders/*' }, { endpoints: [orders, 'POST /orders/{id}'] }, true],
    [{ endpoint: '/orders/*' }, { endpoints: [orders, 'GET /users'] }, false],
    [{ endpoint: '/*' }, { endpoints: [] }, false],
    [{ endpoint: orders, type: 'latency_spike', source: 'other' }, {}, false],
  ]
  for (const [changes, of, expected] of cases) {
    t.equal(concerns(aSilence(changes), { ...subject, ...of }), expected, JSON.stringify([changes, of]))
  }
  const [first, second] = [aSilence({ source: 'other' }), aSilence()]
  const utc = localTimeOf('UTC')
  t.equal(silenceOf([first, second], subject, Date.parse('2026-01-05'), utc), second)
  t.equal(silenceOf([first], subject, Date.parse('2026-01-05'), utc), undefined)
})
