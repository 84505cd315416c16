import t from 'tap'
import { ENDPOINTS } from '../../../scripts/demo/gateway.js'
import { judgeStory, PHASES, startOf, type SeenIncident } from '../../../scripts/demo/story.js'

const START = Date.UTC(2026, 0, 5, 8)

/** What the service should report, in the second minute of each trouble. */
const right = PHASES.flatMap(({ expected }, index): SeenIncident[] => {
  if (expected === null) return []
  return [
    {
      ...{ id: String(index), type: expected.type, endpoints: [expected.endpoint, 'GET /api/carts'] },
      startedMs: START + (startOf(index) + 1) * 60_000,
      ...{ hasEnded: true, hasLimit: expected.isLimited, notified: ['incident.started', 'incident.ended'] },
    },
  ]
})
const [slow, flood] = right as [SeenIncident, SeenIncident]

const CASES: { title: string; incidents: readonly SeenIncident[]; passed: boolean[]; text?: RegExp }[] = [
  { title: 'each trouble is an incident', incidents: right, passed: [true, true, true] },
  { title: 'no incident at all', incidents: [], passed: [false, false, true], text: /no incident/ },
  {
    title: 'another endpoint first',
    incidents: [{ ...slow, endpoints: ['GET /api/carts'] }, flood],
    passed: [false, true, true],
    text: /the origin is GET \/api\/orders/,
  },
  {
    title: 'another type',
    incidents: [{ ...slow, type: 'traffic_drop' }, flood],
    passed: [false, true, true],
    text: /it is no latency_spike/,
  },
  {
    title: 'an end that was not notified',
    incidents: [{ ...slow, notified: ['incident.started'] }, flood],
    passed: [false, true, true],
    text: /its end was not notified/,
  },
  {
    title: 'an incident that goes on',
    incidents: [{ ...slow, hasEnded: false }, flood],
    passed: [false, true, true],
    text: /it has not ended/,
  },
  {
    title: 'a flood without a limit',
    incidents: [slow, { ...flood, hasLimit: false }],
    passed: [true, false, true],
  },
  {
    title: 'a second incident of the same time',
    incidents: [...right, { ...slow, id: '9' }],
    passed: [true, true, false],
  },
  {
    title: 'an incident in quiet traffic',
    incidents: [{ ...slow, startedMs: START }, ...right],
    passed: [true, true, false],
  },
]

for (const { title, incidents, passed, text } of CASES) {
  t.test(title, async (t) => {
    const outcomes = judgeStory(incidents, START)
    t.same(
      outcomes.map((outcome) => outcome.passed),
      passed,
    )
    if (text) t.match(outcomes[0]!.text, text)
  })
}

t.test('the story is about endpoints that there are, with quiet phases between', async (t) => {
  t.equal(ENDPOINTS.length, 30)
  const names = new Set(ENDPOINTS.map(({ name }) => name))
  t.equal(names.size, 30)
  t.same(
    PHASES.map(({ expected }) => expected?.type ?? null),
    [null, 'latency_spike', null, 'traffic_spike', null],
  )
  t.ok(PHASES.every(({ expected }) => expected === null || names.has(expected.endpoint)))
})
