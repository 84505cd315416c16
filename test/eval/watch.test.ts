import t from 'tap'
import { NO_CHANGE } from '../../eval/detection/change.js'
import { drawGateway, type WatchedGateway } from '../../eval/watch/gateway.js'
import { scoreIncidents, type FoundIncident } from '../../eval/watch/score.js'

const MINUTE_MS = 60_000
const [DAY, HISTORY] = [1440, 14 * 1440]

/** A gateway of which only what is scored is drawn. */
function gatewayWith(incidents: WatchedGateway['incidents']): WatchedGateway {
  const outage = { ...NO_CHANGE, name: 'silent', start: HISTORY + 900, end: HISTORY + 930, traffic: 0 }
  const gateway = { length: HISTORY + DAY } as WatchedGateway['gateway']
  return { mondayMs: 0, endpoints: [], gateway, historyMinutes: HISTORY, past: [], incidents, outage }
}

function found(number: number, from: number, to: number, endpoints: readonly string[]): FoundIncident {
  const startedMs = from * MINUTE_MS
  const share = 1 / endpoints.length
  const type = 'latency_spike'
  return {
    openedMs: startedMs,
    incident: {
      number,
      series: { kind: 'endpoint', name: endpoints[0]! },
      type,
      severity: 'high',
      peak: { severity: 'high', timeMs: startedMs },
      startedMs,
      endedMs: to * MINUTE_MS,
      explanation: '',
      endpoints: endpoints.map((endpoint) => ({ endpoint, share, startedMs, type })),
      impact: { requests: 0, failed: 0, slow: 0, missing: 0, excess: 0 },
    },
  }
}

const truth = {
  ...NO_CHANGE,
  name: 'slow',
  endpoint: 'a',
  dependents: [],
  start: HISTORY + 100,
  end: HISTORY + 120,
  latency: 3,
}

t.test('an incident that names the endpoint is found, with its delay', async (t) => {
  const scored = scoreIncidents(gatewayWith([truth]), [found(1, truth.start + 2, truth.end, ['a', 'b'])])
  t.match(scored.incidents[0], { isRightFirst: true, delayMinutes: 2 })
  t.equal(scored.falseIncidents.length, 0)
  t.equal(scored.days, 1)
})

t.test(
  'another endpoint first, another time and a second incident of the same event count against it',
  async (t) => {
    const scored = scoreIncidents(gatewayWith([truth]), [
      found(1, truth.start + 1, truth.start + 5, ['b', 'a']),
      found(2, truth.start + 10, truth.end, ['a']),
      found(3, truth.end + 60, truth.end + 70, ['a']),
      found(4, truth.start, truth.end, ['c']),
    ])
    t.equal(scored.incidents[0]!.isRightFirst, false)
    t.same(
      scored.falseIncidents.map(({ incident }) => incident.number),
      [2, 3, 4],
    )
  },
)

t.test('what is not found has no delay', async (t) => {
  const scored = scoreIncidents(gatewayWith([truth]), [])
  t.match(scored.incidents[0], { found: [], isRightFirst: false, delayMinutes: null })
})

t.test('the same seed draws the same gateway, another one another', async (t) => {
  const sumOf = (seed: number) =>
    drawGateway({ nEndpoints: 2, seed, days: 1, make: 'usual', historyMinutes: HISTORY }).gateway.reduce(
      (sum, row) => sum + row.p99_latency_ms,
      0,
    )
  t.equal(sumOf(1), sumOf(1))
  t.not(sumOf(1), sumOf(2))
})
