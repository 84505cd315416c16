import t from 'tap'
import { EMPTY_BOOK, withClosed, type BookState } from '../../../models/incidents/book-state.js'
import { recordRound, type IncidentChanges } from '../../../models/incidents/book.js'
import { endpoint, GATEWAY, seriesMinute } from './minutes.js'

/** Minutes in which endpoint a fails from the third on, and endpoint b from the sixth on. */
function follow(from: number, to: number, begin: BookState) {
  let state = begin
  const changes: IncidentChanges[] = []
  for (let minute = from; minute < to; minute++) {
    const failing = (since: number) => (minute >= since ? ({ type: 'failing', since } as const) : null)
    const recorded = recordRound(state, [
      seriesMinute(GATEWAY, minute, 6000),
      seriesMinute(endpoint('a'), minute, 600, failing(2)),
      seriesMinute(endpoint('b'), minute, 300, failing(5)),
    ])
    state = recorded.state
    changes.push(recorded.changes)
  }
  const all = (of: keyof IncidentChanges) => changes.flatMap((each) => each[of])
  return { state, opened: all('opened'), changed: [...all('updated'), ...all('ended')] }
}

t.test('an incident that somebody closed takes no more, and stays quiet about its series', async (t) => {
  const before = follow(0, 4, EMPTY_BOOK)
  const [first] = before.opened
  const closed = withClosed(before.state, new Set([first!.number]))
  const after = follow(4, 30, closed)
  t.same(
    after.opened.map(({ series }) => series.name),
    ['b'],
    'what begins later is another incident, although it began within five minutes',
  )
  t.ok(after.changed.every(({ number }) => number !== first!.number))
  t.equal(follow(4, 30, before.state).opened.length, 0, 'otherwise it joins')
  t.equal(withClosed(closed, new Set()).open[0]!.isClosed, false, 'acknowledged again, it goes on')
})
