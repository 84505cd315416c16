import t from 'tap'
import { beginRoundScan, scanRound } from '../../../models/incidents/scan-rounds.js'
import type { WatchDetector } from '../../../models/watch/judge-round.js'
import { fitEndpoint } from '../../../models/watch/fit-endpoint.js'
import { assembleWatch } from '../../../models/watch/watch-model.js'
import {
  clockFor,
  DAY,
  detectorOf,
  gatewayModel,
  MINUTE_MS,
  OPTIONS,
  simulate,
  START_MS,
} from '../watch/simulated.js'

const END = 7 * DAY
/** Half an hour of failures on the day before the range, and one in it. */
const [EARLY, FAILING] = [4.5 * DAY, 6.5 * DAY]
const RANGE = 5 * DAY
const BEGINS = 5.5 * DAY
const isIn = (minute: number, start: number) => minute >= start && minute < start + 30

const simulated = simulate(
  [
    { name: 'GET /items', rate: () => 600 },
    {
      name: 'POST /pay',
      rate: () => 200,
      errors: (minute) => (isIn(minute, EARLY) || isIn(minute, FAILING) ? 0.6 : 0.01),
    },
    { name: 'GET /new', rate: () => 300, begins: BEGINS },
  ],
  END,
)
const gateway = gatewayModel(simulated, END)
const clock = clockFor(gateway, simulated, END)
const watch = assembleWatch(
  gateway,
  simulated.histories.map((history) => fitEndpoint(clock, history)),
  OPTIONS,
)

function scan(detector: WatchDetector) {
  let state = beginRoundScan(detector)
  for (const round of simulated.rounds.slice(RANGE - DAY)) {
    const steps = scanRound(state, round, detector, round.timeMs >= START_MS + RANGE * MINUTE_MS)
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    state = step.value
  }
  return state
}

t.test(
  'incidents of the range are found by a model of it, and an endpoint is not missed before it begins',
  async (t) => {
    const { found, detector } = scan(detectorOf(watch))
    t.match(
      [...found.values()],
      [{ number: 1, type: 'error_rate_spike', endpoints: [{ endpoint: 'POST /pay' }] }],
    )
    t.equal(found.size, 1)
    const { startedMs, endedMs } = found.get(1)!
    const at = START_MS + FAILING * MINUTE_MS
    t.ok(Math.abs(startedMs - at) <= 2 * MINUTE_MS)
    t.ok(Math.abs(endedMs! - at - 30 * MINUTE_MS) <= 2 * MINUTE_MS)
    t.equal(detector.watch.endpoints.size, 3, 'the new endpoint is watched from the hour after its begin on')
  },
)
