import { commentText, headLines, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { pathPattern, placeholders } from './path-pattern.js'

/** Longer keys do not fit into the buckets of a map of NGINX as it comes (map_hash_bucket_size 64). */
const MAX_KEY_LENGTH = 40

/** One megabyte of a zone holds the state of so many clients (64 bit). */
const CLIENTS_PER_MEGABYTE = 8000
const MAX_ZONE_MEGABYTES = 64

/** Endpoints with the same limit; they share a zone, in which each has states of its own. */
interface Zone {
  readonly name: string
  readonly limit: number
  readonly burst: number
  readonly ofClients: boolean
  /** Numbers of the endpoints. */
  readonly places: number[]
}

/**
 * A file to be included in the `http` block of NGINX. A map gives each request the number of its endpoint: that of the
 * path itself before that of a template, so that a request counts once. Further maps make of it the key of the zone
 * that has its limit, and the empty key of all others, which is not counted: so no `location` of the configuration
 * has to be touched. The burst of NGINX is one less than ours, as it does not count the request at hand. It rejects
 * nothing until dry run is off.
 */
export function nginxFile(entries: readonly RateLimitEntry[], head: FileHead, dryRun = true): string {
  // NGINX merges slashes before it looks at a path.
  const reachable = entries.filter(({ path }) => !path.includes('//'))
  const unreachable = entries.filter(({ path }) => path.includes('//'))
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# Include this file in the http block: include /etc/nginx/aegis-limits.conf;',
    '# A block with a limit_req of its own does not inherit these.',
    '# A client is an address: put $http_x_api_key, say, for $binary_remote_addr where clients are known by more.',
    '# limit_req_dry_run on: requests over a limit are only logged. Set it to off to enforce the limits.',
    `limit_req_dry_run ${dryRun ? 'on' : 'off'};`,
    'limit_req_status 429;',
    'limit_req_log_level warn;',
    ...unreachable.map(({ endpoint }) => `# Left out, as NGINX merges slashes: ${commentText(endpoint)}`),
    ...(reachable.length > 0 ? endpointMap(reachable) : []),
    ...zonesOf(reachable).flatMap(zoneLines),
  ]
  return `${lines.join('\n')}\n`
}

function endpointMap(entries: readonly RateLimitEntry[]): string[] {
  const byMethod = entries.some(({ method }) => method !== null)
  const numbered = entries.map((entry, index) => ({
    ...entry,
    plain: plainKey(entry, byMethod),
    number: index + 1,
  }))
  const timesThere = new Map<string | null, number>()
  for (const { plain } of numbered) {
    const key = plain?.toLowerCase() ?? null
    timesThere.set(key, (timesThere.get(key) ?? 0) + 1)
  }
  // Of plain keys NGINX ignores the case, so that two of them may be one.
  const isAlone = (plain: string) => timesThere.get(plain.toLowerCase()) === 1
  // Of regular expressions the first that matches counts: those with fewer placeholders stand before.
  const ordered = numbered.sort((a, b) => placeholders(a.path) - placeholders(b.path))
  return [
    '',
    '# Which endpoint a request is of.',
    `map "${byMethod ? '$request_method ' : ''}$uri" $aegis_endpoint {`,
    '    default "";',
    ...ordered.flatMap(({ plain, number, ...entry }) => [
      `    # ${commentText(entry.endpoint)}: ${describe(entry)}`,
      `    "${plain !== null && isAlone(plain) ? plain : patternKey(entry, byMethod)}" ${number};`,
    ]),
    '}',
  ]
}

function describe({ scope, limit, burst, longWindow }: RateLimitEntry): string {
  const who = scope === 'client' ? 'each client' : 'all callers together'
  const limits = `${limit} a minute, ${burst} at once, for ${who}.`
  if (!longWindow) return limits
  return `${limits} (${longWindow.limit} in ${longWindow.seconds} s was recommended too; NGINX has no window so long.)`
}

/** A plain key is looked up at once; NGINX goes through regular expressions one by one. Null where there is none. */
function plainKey({ method, path }: RateLimitEntry, byMethod: boolean): string | null {
  if (byMethod && method === null) return null
  const plain = `${byMethod ? `${method} ` : ''}${path}`
  return plain.length <= MAX_KEY_LENGTH && /^[A-Za-z0-9/_. -]+$/.test(plain) ? plain : null
}

function patternKey({ method, path }: RateLimitEntry, byMethod: boolean): string {
  const ofMethod = method === null ? '[^ ]+' : pathPattern(method, false)
  return `~^${byMethod ? `${ofMethod} ` : ''}${pathPattern(path).slice(1)}`
}

function zonesOf(entries: readonly RateLimitEntry[]): Zone[] {
  const zones = new Map<string, Zone>()
  entries.forEach(({ scope, limit, burst }, index) => {
    const ofClients = scope === 'client'
    const name = `aegis_${ofClients ? 'client' : 'all'}_${limit}_${burst}`
    const zone = zones.get(name) ?? { name, limit, burst, ofClients, places: [] }
    zone.places.push(index + 1)
    zones.set(name, zone)
  })
  return [...zones.values()]
}

function zoneLines({ name, limit, burst, ofClients, places }: Zone): string[] {
  const suffix = ofClients ? ':$binary_remote_addr' : ''
  const megabytes = ofClients ? Math.min(MAX_ZONE_MEGABYTES, places.length) : 1
  const who = ofClients
    ? `each client; ${megabytes * CLIENTS_PER_MEGABYTE} pairs of client and endpoint are known at a time`
    : 'all callers of an endpoint together'
  return [
    '',
    `# ${limit} a minute, ${burst} at once, for ${who}.`,
    `map $aegis_endpoint $${name} {`,
    '    default "";',
    ...places.map((place) => `    ${place} "${place}${suffix}";`),
    '}',
    `limit_req_zone $${name} zone=${name}:${megabytes}m rate=${limit}r/m;`,
    `limit_req zone=${name} burst=${Math.max(0, burst - 1)} nodelay;`,
  ]
}
