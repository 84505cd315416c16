import type { Random } from '../../models/statistics/random.js'
import { NO_CHANGE, type Change } from '../detection/change.js'
import { between, times } from '../detection/draws.js'
import { isProvable } from '../detection/provable.js'
import type { TrueEndpoint } from './endpoint.js'
import type { Make } from './makes.js'

/** An incident of one endpoint; minutes since a Monday, 00:00. */
export interface TrueIncident extends Change {
  readonly endpoint: string
  /** Endpoints that slow down with it. */
  readonly dependents: readonly string[]
}

type Amount = (random: Random, make: Make) => Partial<Change>

const KINDS: Readonly<Record<string, Amount>> = {
  slow: (random, { slow }) => ({ latency: times(random, ...slow) }),
  failing: (random, { failing, retries }) => {
    const errors = times(random, ...failing)
    return { errors, traffic: 1 + retries * errors }
  },
  silent: () => ({ traffic: 0 }),
  flooded: (random, { flooded }) => ({ traffic: times(random, ...flooded) }),
}

const MINUTES = { least: 5, most: 60 }
const APART = 90
const TRIES = 200

/** Minutes that an endpoint is there before something happens to it. */
const MIN_AGE = 180

export interface IncidentTimes {
  readonly from: number
  readonly to: number
  readonly count: number
  /** Minutes that they last, between 5 and 60 when left out. */
  readonly minutes?: number
  readonly apart?: number
}

/** Draws incidents of single endpoints, each in its own part of the time; only what their requests can show. */
export function drawEndpointIncidents(
  random: Random,
  endpoints: readonly TrueEndpoint[],
  { from, to, count, minutes: lasting, apart = APART }: IncidentTimes,
  make: Make,
): TrueIncident[] {
  const names = Object.keys(KINDS)
  const first = random.integer(names.length)
  const part = Math.floor((to - from) / count)
  return Array.from({ length: count }, (_, i): TrueIncident | null => {
    const name = names[(first + i) % names.length]!
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { name: endpoint, begins, usual } = endpoints[random.integer(endpoints.length)]!
      const minutes = lasting ?? Math.round(times(random, MINUTES.least, MINUTES.most))
      const start = from + i * part + apart + random.integer(part - apart - minutes)
      const change = { ...NO_CHANGE, name, start, end: start + minutes, ...KINDS[name]!(random, make) }
      if (begins + MIN_AGE >= start && lasting === undefined) continue
      // More requests than usual are a consequence of failures.
      const proven = name === 'failing' ? { ...change, traffic: 1 } : change
      if (!isProvable(proven, usual, 1)) continue
      return { ...change, endpoint, dependents: drawDependents(random, endpoints, endpoint, name, make) }
    }
    return null
  }).filter((incident) => incident !== null)
}

function drawDependents(
  random: Random,
  endpoints: readonly TrueEndpoint[],
  origin: string,
  kind: string,
  { dependents }: Make,
): string[] {
  if (kind !== 'slow' || dependents === 0) return []
  const others = Array.from({ length: dependents }, () => endpoints[random.integer(endpoints.length)]!.name)
  return [...new Set(others)].filter((name) => name !== origin)
}

/** How much of the slowness of an endpoint those that depend on it have, as an exponent. */
const OF_ORIGIN = 0.6

/** What an incident changes in an endpoint; null for nothing. */
export function changeOf(incident: TrueIncident, endpoint: string): Change | null {
  if (incident.endpoint === endpoint) return incident
  if (!incident.dependents.includes(endpoint)) return null
  return { ...incident, latency: incident.latency ** OF_ORIGIN }
}

/** What happens to the whole gateway at once: it is down, slow, failing or flooded. */
export function drawGatewayIncident(random: Random, from: number, to: number, make: Make): Change {
  const names = Object.keys(KINDS)
  const name = names[random.integer(names.length)]!
  const start = from + random.integer(to - from - MINUTES.most)
  const end = start + Math.round(between(random, MINUTES.least, MINUTES.most))
  return { ...NO_CHANGE, name, start, end, ...KINDS[name]!(random, make) }
}
