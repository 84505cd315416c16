import t from 'tap'
import { createRefusals } from '../../../plugins/audit/refusals.js'

t.test('a flood of refusals is counted, and writes a line at its start and one at its end', async (t) => {
  const lines: unknown[][] = []
  const refusals = createRefusals({ warn: (...line: unknown[]) => void lines.push(line) })
  const refusal = {
    ...{ method: 'POST', route: '/train', address: '10.0.0.1', caller: null, requestId: 'a' },
  }
  for (let i = 0; i < 1000; i++)
    refusals.note({ ...refusal, code: i % 4 === 0 ? 'FORBIDDEN' : 'UNAUTHENTICATED' })
  refusals.close()
  t.match(lines, [
    [{ refused: { FORBIDDEN: 1 }, last: { route: '/train' } }, 'requests were refused'],
    [{ refused: { UNAUTHENTICATED: 750, FORBIDDEN: 249 } }, 'requests were refused'],
  ])
  t.equal(lines.length, 2)
  t.same([...refusals.counts()].sort(), [
    ['FORBIDDEN', 250],
    ['UNAUTHENTICATED', 750],
  ])
})
