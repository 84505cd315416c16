import fc from '../../properties.js'
import t from 'tap'
import { EMPTY_BOOK, type BookState } from '../../../models/incidents/book-state.js'
import {
  MAX_OPEN,
  MAX_PAUSE_MINUTES,
  recordRound,
  type IncidentChanges,
} from '../../../models/incidents/book.js'
import { MAX_NAMED } from '../../../models/incidents/describe.js'
import type { SeriesMinute } from '../../../models/incidents/series-minute.js'
import { endpoint, GATEWAY, MINUTE_MS, seriesMinute, START_MS, type Trouble } from './minutes.js'

type Rounds = readonly (readonly SeriesMinute[])[]

/** Records rounds, and gives what changed in each. */
function record(
  rounds: Rounds,
  begin: BookState = EMPTY_BOOK,
): { state: BookState; changes: IncidentChanges[] } {
  let state = begin
  const changes = rounds.map((round) => {
    const recorded = recordRound(state, round)
    state = recorded.state
    return recorded.changes
  })
  return { state, changes }
}

/** Rounds of endpoints a and b and of the gateway, each in trouble in some minutes. */
function roundsOf(
  minutes: number,
  trouble: (name: string, minute: number) => Trouble | null,
  usual: Readonly<Record<string, number>> = { a: 600, b: 300 },
): Rounds {
  const all = Object.values(usual).reduce((sum, n) => sum + n, 0)
  return Array.from({ length: minutes }, (_, minute) => {
    const harmed = Object.entries(usual).filter(([name]) => trouble(name, minute) !== null)
    const harmedUsual = harmed.reduce((sum, [, n]) => sum + n, 0)
    return [
      seriesMinute(GATEWAY, minute, all, trouble('', minute), harmedUsual || all),
      ...Object.entries(usual).map(([name, n]) =>
        seriesMinute(endpoint(name), minute, n, trouble(name, minute)),
      ),
    ]
  })
}

const opened = (changes: readonly IncidentChanges[]) => changes.flatMap((each) => each.opened)
const ended = (changes: readonly IncidentChanges[]) => changes.flatMap((each) => each.ended)

t.test('an endpoint in trouble is one incident from its first abnormal minute to its last', async (t) => {
  const isOn = (minute: number) => minute >= 5 && minute < 12
  const rounds = roundsOf(30, (name, minute) =>
    name === 'a' && isOn(minute) ? { type: 'failing', since: 4 } : null,
  )
  const { changes, state } = record(rounds)
  t.equal(opened(changes).length, 1)
  t.equal(changes[5]!.opened.length, 1, 'it is opened in the minute of the alarm')
  const [incident] = ended(changes)
  t.match(incident, {
    number: 1,
    series: endpoint('a'),
    type: 'error_rate_spike',
    severity: 'high',
    startedMs: START_MS + 4 * MINUTE_MS,
    endedMs: START_MS + 12 * MINUTE_MS,
    explanation: 'a is failing.',
    endpoints: [{ endpoint: 'a', share: 1 }],
    impact: { failed: 7 * 300, slow: 0, missing: 0, excess: 0, requests: 7 * 600 },
  })
  t.equal(state.open.length, 0)
})

t.test(
  'the endpoint and the gateway that it makes fail are one incident, and the endpoint is named',
  async (t) => {
    const on =
      (name: string, from: number) =>
      (each: string, minute: number): Trouble | null =>
        each === name && minute >= from && minute < 20 ? { type: 'failing', since: from } : null
    for (const [first, second] of [
      [3, 3],
      [3, 6],
      [9, 3],
    ] as const) {
      const rounds = roundsOf(
        40,
        (name, minute) => on('a', first)(name, minute) ?? on('', second)(name, minute),
      )
      const { changes } = record(rounds)
      t.equal(opened(changes).length, 1, `${first} ${second}`)
      const [incident] = ended(changes)
      t.same(incident!.series, GATEWAY)
      t.equal(incident!.endpoints[0]!.endpoint, 'a')
      t.match(incident!.explanation, /Likely origin: a\./)
    }
  },
)

t.test('a pause of some minutes does not end an incident, a longer one does', async (t) => {
  for (const [pause, count] of [
    [MAX_PAUSE_MINUTES - 1, 1],
    [MAX_PAUSE_MINUTES + 2, 2],
  ] as const) {
    const isOn = (minute: number) => minute < 5 || (minute >= 5 + pause && minute < 10 + pause)
    const rounds = roundsOf(60, (name, minute) => (name === 'a' && isOn(minute) ? { type: 'slow' } : null))
    const { changes } = record(rounds)
    t.equal(opened(changes).length, count)
    t.equal(ended(changes).length, count)
  }
})

t.test('two endpoints with causes of their own are two incidents', async (t) => {
  const rounds = roundsOf(60, (name, minute) => {
    if (name === 'a' && minute >= 2 && minute < 40) return { type: 'slow', since: 2 }
    return name === 'b' && minute >= 20 && minute < 30 ? { type: 'failing', since: 20 } : null
  })
  const { changes } = record(rounds)
  t.same(
    opened(changes).map(({ series }) => series.name),
    ['a', 'b'],
  )
})

t.test(
  'endpoints that begin at about the same time are one incident, the larger and earlier one first',
  async (t) => {
    const rounds = roundsOf(
      40,
      (name, minute) => {
        const from = { a: 5, b: 3, c: 7 }[name]
        return from !== undefined && minute >= from && minute < 20 ? { type: 'failing', since: from } : null
      },
      { a: 500, b: 450, c: 20 },
    )
    const { changes } = record(rounds)
    t.equal(opened(changes).length, 1)
    const [incident] = ended(changes)
    t.same(incident!.series, GATEWAY)
    t.same(
      incident!.endpoints.map((each) => each.endpoint),
      ['b', 'a', 'c'],
    )
    const shares = incident!.endpoints.map(({ share }) => share)
    t.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9)
  },
)

t.test(
  'when the gateway is down, an endpoint that shows it much later is in the same incident',
  async (t) => {
    const rounds = roundsOf(
      60,
      (name, minute) => {
        const from = { '': 3, a: 3, b: 4, tiny: 20 }[name]!
        return minute >= from && minute < 40 ? { type: 'silent', since: from } : null
      },
      { a: 600, b: 300, tiny: 3 },
    )
    const { changes } = record(rounds)
    t.equal(opened(changes).length, 1)
    const [incident] = ended(changes)
    t.equal(incident!.endpoints.length, 3)
    t.equal(incident!.impact.missing, 37 * 600 + 36 * 300 + 20 * 3)
  },
)

t.test(
  'in an outage, endpoints of few requests whose alarm comes early or late are in the same incident',
  async (t) => {
    for (const [from, since] of [
      [10, 1], // Some of its requests have failed by chance before.
      [18, 18],
    ] as const) {
      const rounds = roundsOf(
        60,
        (name, minute) => {
          const [begins, onset] = name === 'tiny' ? [from, since] : [10, 10]
          return minute >= begins && minute < 40 ? { type: 'failing', since: onset } : null
        },
        { a: 600, b: 300, c: 200, tiny: 2 },
      )
      const { changes } = record(rounds)
      t.equal(opened(changes).length, 1, `from ${from}`)
      t.not(ended(changes)[0]!.endpoints[0]!.endpoint, 'tiny')
    }
  },
)

t.test(
  'a late alarm of few requests belongs to the outage of its kind, though the gateway is well again',
  async (t) => {
    const rounds = roundsOf(
      60,
      (name, minute) => {
        if (name === 'tiny') return minute >= 22 && minute < 30 ? { type: 'failing', since: 18 } : null
        return minute >= 10 && minute < 20 ? { type: 'failing', since: 10 } : null
      },
      { a: 600, b: 300, c: 200, tiny: 2 },
    )
    t.equal(opened(record(rounds).changes).length, 1)
  },
)

t.test(
  'an endpoint that fails while another one makes the gateway fail is an incident of its own',
  async (t) => {
    const rounds = roundsOf(
      60,
      (name, minute) => {
        if (name === 'b') return minute >= 25 && minute < 40 ? { type: 'failing', since: 25 } : null
        return (name === 'a' || name === '') && minute >= 5 && minute < 40
          ? { type: 'failing', since: 5 }
          : null
      },
      { a: 600, b: 60, c: 100 },
    )
    t.same(
      opened(record(rounds).changes).map(({ endpoints }) => endpoints[0]!.endpoint),
      ['a', 'b'],
    )
  },
)

t.test('an incident of the gateway names endpoints that have a part in it without an alarm', async (t) => {
  const rounds = roundsOf(30, (name, minute) => (name === '' && minute < 9 ? { type: 'failing' } : null)).map(
    (round, minute) =>
      round.map((each) =>
        each.series.name === 'b' && minute < 9
          ? { ...seriesMinute(endpoint('b'), minute, 300, { type: 'failing' }), alarm: null }
          : each,
      ),
  )
  const { changes } = record(rounds)
  const [incident] = ended(changes)
  t.same(incident!.series, GATEWAY)
  t.same(
    incident!.endpoints.map((each) => each.endpoint),
    ['b'],
  )
})

t.test('severity follows the worst alarm of the minute, and the peak stays', async (t) => {
  const severities = ['medium', 'critical', 'low'] as const
  const rounds = roundsOf(3, (name, minute) =>
    name === 'a' ? { type: 'slow', severity: severities[minute]!, since: 0 } : null,
  )
  const { changes } = record(rounds)
  t.same(
    changes.flatMap(({ opened: first, updated }) => [...first, ...updated]).map(({ severity }) => severity),
    severities,
  )
  t.match(changes[2]!.updated[0], { peak: { severity: 'critical', timeMs: START_MS + MINUTE_MS } })
})

t.test('open incidents and named endpoints are bounded', async (t) => {
  const many = Array.from({ length: 3 * MAX_OPEN }, (_, i) => `e${String(i).padStart(4, '0')}`)
  const rounds = many.map((_, minute) =>
    many
      .slice(0, minute + 1)
      // Each begins by itself, ten minutes after the one before.
      .map((name, i) => ({
        ...seriesMinute(endpoint(name), 10 * minute, 100, { type: 'failing', since: 10 * i }),
      })),
  )
  const { state } = record(rounds)
  t.ok(state.open.length <= MAX_OPEN)
  t.equal(
    state.open.reduce((sum, { members }) => sum + members.length, 0),
    many.length,
  )
  const together = many.map((name) => seriesMinute(endpoint(name), 0, 100, { type: 'failing' }))
  const { changes } = record([together])
  t.equal(opened(changes).length, 1)
  t.equal(opened(changes)[0]!.endpoints.length, MAX_NAMED)
})

t.test(
  'the same rounds give the same incidents, in any order and after a restart from a stored state',
  async (t) => {
    const names = ['a', 'b', 'c', '']
    const usual = { a: 600, b: 300, c: 5 }
    const anyTrouble = fc.record({
      name: fc.constantFrom(...names),
      from: fc.nat(50),
      minutes: fc.integer({ min: 1, max: 30 }),
      type: fc.constantFrom('failing', 'silent', 'slow', 'flooded'),
    })
    const property = fc.property(fc.array(anyTrouble, { maxLength: 6 }), fc.nat(59), (troubles, at) => {
      const rounds = roundsOf(
        60,
        (name, minute) => {
          const found = troubles.find(
            (each) => each.name === name && minute >= each.from && minute < each.from + each.minutes,
          )
          return found ? { type: found.type as Trouble['type'], since: found.from } : null
        },
        usual,
      )
      const whole = record(rounds)
      const before = record(rounds.slice(0, at))
      const stored = JSON.parse(JSON.stringify(before.state)) as BookState
      const after = record(
        rounds.slice(at).map((round) => [...round].reverse()),
        stored,
      )
      t.same([...before.changes, ...after.changes], whole.changes)
      t.same(after.state, whole.state)
      for (const { number, endedMs, startedMs, endpoints } of ended(whole.changes)) {
        if (endedMs === null || endedMs <= startedMs || number < 1) return false
        if (endpoints.some(({ share }) => !(share >= 0 && share <= 1))) return false
      }
      return true
    })
    fc.assert(property, { numRuns: 40 })
  },
)
