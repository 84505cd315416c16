import { gatewayRule } from './rule-maps.js'

/** One megabyte of a zone holds the state of so many clients (64 bit). */
const CLIENTS_PER_MEGABYTE = 8000
const MAX_ZONE_MEGABYTES = 64
const GATEWAY_MEGABYTES = 10

/** A limit of an entry, or of an exception. */
export interface Rule {
  /** The number of the entry; that of an exception after an x. */
  readonly place: string
  readonly isOfGateway: boolean
  readonly limit: number
  readonly burst: number
  readonly ofClients: boolean
  readonly words: string
}

/** Rules with the same limit; they share a zone, in which each has states of its own. */
interface Zone extends Omit<Rule, 'place'> {
  readonly name: string
  /** The variable that has the place of a request. */
  readonly source: string
  readonly places: string[]
}

/** Zones of the whole gateway first. */
export function zonesOf(rules: readonly Rule[]): Zone[] {
  const zones = new Map<string, Zone>()
  for (const { place, isOfGateway, limit, burst, ofClients, words } of rules) {
    const source = isOfGateway ? gatewayRule(place.split('x', 1)[0]!) : 'aegis_rule'
    const who = ofClients ? 'client' : 'all'
    const name = `aegis_${isOfGateway ? `gateway_${place}_` : ''}${who}_${limit}_${burst}`
    const zone = zones.get(name) ?? { name, source, limit, burst, isOfGateway, ofClients, words, places: [] }
    zone.places.push(place)
    zones.set(name, zone)
  }
  return [...zones.values()]
}

export function zoneLines({
  name,
  source,
  limit,
  burst,
  isOfGateway,
  ofClients,
  words,
  places,
}: Zone): string[] {
  const suffix = ofClients ? ':$aegis_client' : ''
  const megabytes = isOfGateway && ofClients ? GATEWAY_MEGABYTES : ofClients ? places.length : 1
  const size = Math.min(MAX_ZONE_MEGABYTES, megabytes)
  const known = ofClients
    ? `; ${size * CLIENTS_PER_MEGABYTE} pairs of client and endpoint are known at a time`
    : ''
  return [
    '',
    `# ${words}${known}.`,
    `map $${source} $${name} {`,
    '    default "";',
    ...places.map((place) => `    ${place} "${place}${suffix}";`),
    '}',
    `limit_req_zone $${name} zone=${name}:${size}m rate=${limit}r/m;`,
    `limit_req zone=${name}${burst > 1 ? ` burst=${burst - 1} nodelay` : ''};`,
  ]
}
