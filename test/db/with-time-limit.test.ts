import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { withTimeLimit } from '../../db/with-time-limit.js'

const never = new AbortController().signal
const untilAborted = (signal: AbortSignal) => delay(60_000, undefined, { signal })

t.test('work that ends in time gives its result', async (t) => {
  t.equal(await withTimeLimit(60_000, never, async () => 7), 7)
  await t.rejects(
    withTimeLimit(60_000, never, () => Promise.reject(new Error('its own'))),
    {
      message: 'its own',
    },
  )
})

t.test('work that takes too long is ended', async (t) => {
  let reason: unknown
  const work = (signal: AbortSignal) => untilAborted(signal).finally(() => (reason = signal.reason))
  await t.rejects(withTimeLimit(5, never, work))
  t.match(reason, { name: 'TimeoutError' })
})

t.test('the signal ends it too, also before it begins', async (t) => {
  const stop = new AbortController()
  const running = withTimeLimit(60_000, stop.signal, async (signal) => {
    stop.abort(new Error('enough'))
    signal.throwIfAborted()
  })
  await t.rejects(running, { message: 'enough' })
  await t.rejects(
    withTimeLimit(60_000, stop.signal, async () => t.fail('it does not begin')),
    { message: 'enough' },
  )
})
