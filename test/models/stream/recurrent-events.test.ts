import t from 'tap'
import { mapChannels } from '../../../models/anomaly/kinds.js'
import type { ObservedEvent } from '../../../models/stream/calibration/observed-events.js'
import { recurrentEvents } from '../../../models/stream/calibration/recurrent-events.js'

const DAY_MS = 86_400_000

interface Drawn {
  readonly day: number
  readonly hour: number
  readonly rows?: number
  readonly effect?: number
  readonly gate?: number
  readonly evidence?: number
}

/** Slow responses on some day at some hour. */
function slow({ day, hour, rows = 10, effect = 2, gate = 0, evidence = 5 }: Drawn): ObservedEvent {
  const size = { small: evidence, large: 0 }
  return {
    ...{ kind: 'latency_spike', startMs: day * DAY_MS + hour * 3_600_000, rows, day, effect },
    minuteOfDay: Math.round(60 * hour),
    sizes: { gate, evidence: mapChannels(() => size) },
  }
}

const usualOf = (events: readonly Drawn[], days = 14) => recurrentEvents(events.map(slow), days).length

t.test('events of one size are usual when they begin at about the same time of three days', async (t) => {
  const morning = [8, 8.3, 8.6].map((hour, i) => ({ day: 3 * i, hour, gate: 1.4 }))
  t.equal(usualOf(morning), 3)
  t.equal(usualOf(morning.slice(1)), 0, 'two are not')
  t.equal(usualOf(morning.map((each, i) => ({ ...each, hour: 8 + 4 * i }))), 0, 'nor are three at any time')
  t.equal(usualOf(morning.map((each, i) => ({ ...each, effect: 2 * 2 ** i }))), 0, 'nor of any size')
})
