import t from 'tap'
import { inSlices, mapSteps } from '../../db/in-slices.js'

t.test('long work lets others have their turn, and ends at the signal', async (t) => {
  function* endless(): Generator<void, never> {
    for (;;) yield
  }
  const stop = new AbortController()
  setImmediate(() => stop.abort(new Error('enough')))
  await t.rejects(inSlices(endless(), stop.signal), { message: 'enough' })
})

t.test('each item has its result', async (t) => {
  t.same(await inSlices(mapSteps([1, 2, 3], (n) => 2 * n)), [2, 4, 6])
})
