import type { Random } from '../../models/statistics/random.js'
import { NO_CHANGE, type Change } from '../detection/change.js'
import { between, times } from '../detection/draws.js'
import { isProvable } from '../detection/provable.js'
import type { TrueEndpoint } from './endpoint.js'

/** An incident of one endpoint; minutes since a Monday, 00:00. */
export interface TrueIncident extends Change {
  readonly endpoint: string
}

type Amount = (random: Random) => Partial<Change>

const KINDS: Readonly<Record<string, Amount>> = {
  slow: (random) => ({ latency: times(random, 2, 8) }),
  failing: (random) => ({ errors: times(random, 0.1, 0.8) }),
  silent: () => ({ traffic: 0 }),
  flooded: (random) => ({ traffic: times(random, 3, 15) }),
}

const MINUTES = { least: 5, most: 60 }
const APART = 90
const TRIES = 200

/** Draws incidents of single endpoints, each in its own part of the time; only what their requests can show. */
export function drawEndpointIncidents(
  random: Random,
  endpoints: readonly TrueEndpoint[],
  { from, to, count }: { readonly from: number; readonly to: number; readonly count: number },
): TrueIncident[] {
  const names = Object.keys(KINDS)
  const first = random.integer(names.length)
  const part = Math.floor((to - from) / count)
  return Array.from({ length: count }, (_, i): TrueIncident | null => {
    const name = names[(first + i) % names.length]!
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { name: endpoint, begins, usual } = endpoints[random.integer(endpoints.length)]!
      const minutes = Math.round(times(random, MINUTES.least, MINUTES.most))
      const start = from + i * part + APART + random.integer(part - APART - minutes)
      const change = { ...NO_CHANGE, name, start, end: start + minutes, ...KINDS[name]!(random) }
      if (begins + 180 < start && isProvable(change, usual, 1)) return { ...change, endpoint }
    }
    return null
  }).filter((incident) => incident !== null)
}

/** What happens to the whole gateway at once: it is down, slow, failing or flooded. */
export function drawGatewayIncident(random: Random, from: number, to: number): Change {
  const names = Object.keys(KINDS)
  const name = names[random.integer(names.length)]!
  const start = from + random.integer(to - from - MINUTES.most)
  const end = start + Math.round(between(random, MINUTES.least, MINUTES.most))
  return { ...NO_CHANGE, name, start, end, ...KINDS[name]!(random) }
}
