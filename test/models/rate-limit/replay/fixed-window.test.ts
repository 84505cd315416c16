import t from 'tap'
import fc from '../../../properties.js'
import { FixedWindows } from '../../../../models/rate-limit/replay/fixed-window.js'

t.test('each window of the clock lets the limit through and no more', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5000 }),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 }),
      (limit, windowMs, times) => {
        const windows = new FixedWindows({ limit, windowMs })
        const passed = new Map<number, number>()
        return times
          .toSorted((a, b) => a - b)
          .every((timeMs) => {
            const window = Math.floor(timeMs / windowMs)
            const before = passed.get(window) ?? 0
            const { allowed, remaining, retryAfterMs } = windows.peek(0, timeMs)
            const read = windows.allows(0, timeMs)
            const taken = windows.take(0, timeMs)
            passed.set(window, before + Number(taken))
            const opens = taken || windows.peek(0, timeMs + retryAfterMs).allowed
            return (
              taken === before < limit &&
              allowed === taken &&
              read === taken &&
              remaining === limit - before &&
              opens
            )
          })
      },
    ),
    { numRuns: 300 },
  )
})

t.test('twice the limit passes around a boundary, and clients do not mix', async (t) => {
  const windows = new FixedWindows({ limit: 2, windowMs: 1000 })
  const passed = (client: number, times: number[]) => times.map((timeMs) => windows.take(client, timeMs))
  t.same(passed(0, [998, 999, 999, 1000, 1001, 1002]), [true, true, false, true, true, false])
  t.same(passed(4000, [1002, 1002, 1002]), [true, true, false])
  t.same(windows.peek(0, 1500), { allowed: false, remaining: 0, retryAfterMs: 500 })
  t.same(windows.peek(9, 1500), { allowed: true, remaining: 2, retryAfterMs: 0 })
})

t.test('a limit or window below 1 is refused', async (t) => {
  t.throws(() => new FixedWindows({ limit: 0, windowMs: 1 }), RangeError)
  t.throws(() => new FixedWindows({ limit: 1, windowMs: 0.5 }), RangeError)
})
