import type { Trouble } from './gateway.js'

export interface Phase {
  readonly title: string
  readonly minutes: number
  readonly trouble: Trouble
  /** The incident that the service should report; null for quiet traffic. */
  readonly expected: Expected | null
}

interface Expected {
  readonly type: string
  /** Named first. */
  readonly endpoint: string
  /** Whether a limit is to be recommended. */
  readonly isLimited: boolean
}

/** An incident, as the demo saw it. */
export interface SeenIncident {
  readonly id: string
  readonly type: string
  /** The likely origin first. */
  readonly endpoints: readonly string[]
  readonly startedMs: number
  readonly hasEnded: boolean
  readonly hasLimit: boolean
  /** The types of the notifications that arrived of it. */
  readonly notified: readonly string[]
}

export interface Outcome {
  readonly title: string
  readonly passed: boolean
  readonly text: string
}

export const HISTORY_MINUTES = 90

const SLOW = 'GET /api/orders/{id}'
const FLOODED = 'GET /api/reviews'

const quiet = (minutes: number): Phase => ({ title: 'Quiet traffic', minutes, trouble: {}, expected: null })

/** An incident ends when nothing has been abnormal for ten minutes. */
export const PHASES: readonly Phase[] = [
  quiet(4),
  {
    title: `${SLOW} takes four times as long, for ten minutes`,
    minutes: 10,
    trouble: { slow: { endpoint: SLOW, factor: 4 } },
    expected: { type: 'latency_spike', endpoint: SLOW, isLimited: false },
  },
  quiet(13),
  {
    title: `One client floods ${FLOODED}, for ten minutes`,
    minutes: 10,
    trouble: { flood: { endpoint: FLOODED, client: 'crawler-1', perMinute: 900 } },
    expected: { type: 'traffic_spike', endpoint: FLOODED, isLimited: true },
  },
  quiet(14),
]

/** The minute of the log in which a phase begins. */
export function startOf(phase: number): number {
  return HISTORY_MINUTES + PHASES.slice(0, phase).reduce((sum, { minutes }) => sum + minutes, 0)
}

/**
 * Checks that there was one incident for each trouble, with its endpoint first, that its start and its end were notified,
 * and that there was no other.
 *
 * @param startMs when the first minute of the log began
 */
export function judgeStory(incidents: readonly SeenIncident[], startMs: number): Outcome[] {
  const known = new Set<SeenIncident>()
  const outcomes = PHASES.flatMap(({ title, minutes, expected }, index): Outcome[] => {
    if (expected === null) return []
    const fromMs = startMs + startOf(index) * 60_000
    const own = incidents.filter(
      ({ startedMs }) => startedMs >= fromMs && startedMs < fromMs + minutes * 60_000,
    )
    const [incident] = own
    if (incident === undefined) return [{ title, passed: false, text: 'no incident' }]
    known.add(incident)
    const missing = missingOf(incident, expected)
    const text = `incident ${incident.id}, ${incident.type}, ${incident.endpoints[0] ?? 'no endpoint'} first`
    if (missing.length > 0) return [{ title, passed: false, text: `${text}, but ${missing.join(', ')}` }]
    return [{ title, passed: true, text: `${text}; start and end were notified` }]
  })
  const others = incidents.filter((each) => !known.has(each))
  const text =
    others.length === 0 ? 'quiet' : others.map(({ id, type }) => `incident ${id}, ${type}`).join('; ')
  return [...outcomes, { title: 'Everything else', passed: others.length === 0, text }]
}

function missingOf(incident: SeenIncident, { type, endpoint, isLimited }: Expected): string[] {
  const { endpoints, hasEnded, hasLimit, notified } = incident
  return [
    ...(incident.type === type ? [] : [`it is no ${type}`]),
    ...(endpoints[0] === endpoint ? [] : [`the origin is ${endpoint}`]),
    ...(hasEnded ? [] : ['it has not ended']),
    ...(hasLimit || !isLimited ? [] : ['no limit is recommended']),
    ...(notified.includes('incident.started') ? [] : ['its start was not notified']),
    ...(notified.includes('incident.ended') ? [] : ['its end was not notified']),
  ]
}
