import {
  expression,
  normalizedPath,
  UnreadableLimits,
  type AppliedLimit,
  type Counting,
  type FileLimits,
  type SeenRequest,
} from './limits.js'
import { nginxDirectives, type Directive } from './nginx-config.js'
import { NginxVariables } from './nginx-variables.js'

interface Zone {
  readonly key: (request: SeenRequest) => string
  readonly rate: number
  readonly windowMs: number
}

interface Use {
  readonly zone: string
  readonly counting: Counting
  readonly key: Zone['key']
}

interface Location {
  readonly modifier: string
  readonly path: string
  readonly pattern: RegExp | null
  readonly uses: readonly Use[]
  readonly inner: readonly Location[]
}

/** Directives that would change which limits a request meets. */
const REFUSED = new Set([
  'include',
  'if',
  'rewrite',
  'limit_conn',
  'limit_conn_zone',
  'js_set',
  'set',
  'perl_set',
])
/** Files of types and parameters that have no limits in them. */
const HARMLESS = /(?:^|\/)(?:mime\.types|\w+_params|fastcgi\.conf|modules-enabled\/\*\.conf|naxsi\S*)$/

/** The limits of limit_req, with maps, geo blocks, locations and inheritance. */
export function nginxLimits(text: string): FileLimits {
  const top = nginxDirectives(text)
  const http = top.find(({ name }) => name === 'http')?.block ?? top
  const variables = new NginxVariables()
  for (const each of http) if (each.name === 'map' || each.name === 'geo') variables.add(each)
  const zones = zonesOf(http, variables)
  const shared = usesOf(http, zones, [])
  const servers = http.filter(({ name }) => name === 'server')
  refuse(http, servers.length > 0)
  const [server, ...further] = servers.length > 0 ? servers : [null]
  const ofServer = server ? usesOf(server.block!, zones, shared) : shared
  if (server) refuse(server.block!, true)
  const nested = http.filter(({ name }) => name === 'location')
  const locations = locationsOf(server ? server.block! : nested, zones, ofServer)
  const remarks =
    further.length > 0
      ? [`All requests go to the server of line ${server!.line}: a log does not tell which.`]
      : []
  if (
    [...http, ...(server?.block ?? [])].some(
      ({ name, args }) => name === 'limit_req_dry_run' && args[0] === 'on',
    )
  ) {
    remarks.push('limit_req_dry_run is on: the gateway only logs; this is what it would reject.')
  }
  return {
    gateway: 'nginx',
    count: new Set([...shared, ...ofServer, ...all(locations)].map(({ zone }) => zone)).size,
    remarks,
    limitsOf: (request) => applied(usesFor(normalizedPath(request.path), locations) ?? ofServer, request),
  }
}

function all(locations: readonly Location[]): Use[] {
  return locations.flatMap(({ uses, inner }) => [...uses, ...all(inner)])
}

function refuse(block: readonly Directive[], isInServer: boolean): void {
  for (const { name, args, line } of block) {
    if (name === 'include' && HARMLESS.test(args[0] ?? '')) continue
    if (name === 'set' && !isInServer) continue
    if (REFUSED.has(name)) {
      const advice =
        name === 'include'
          ? 'put the content of the file in its place (nginx -T prints all of it)'
          : 'check does not follow it'
      throw new UnreadableLimits(line, `${name} ${args.join(' ')}: ${advice}`)
    }
  }
}

function zonesOf(block: readonly Directive[], variables: NginxVariables): Map<string, Zone> {
  const zones = new Map<string, Zone>()
  for (const { name, args, line } of block) {
    if (name !== 'limit_req_zone') continue
    const [key = '', ...rest] = args
    const zone = rest.map((arg) => /^zone=([^:]+):\S+$/.exec(arg)?.[1]).find((found) => found !== undefined)
    const [, number, unit] = rest.map((arg) => /^rate=(\d+)r\/([sm])$/.exec(arg)).find((found) => found) ?? []
    if (zone === undefined || number === undefined || Number(number) < 1) {
      throw new UnreadableLimits(line, 'limit_req_zone needs a key, zone=name:size and rate=Nr/s or Nr/m')
    }
    zones.set(zone, {
      key: variables.text(key, line),
      rate: Number(number),
      windowMs: unit === 's' ? 1000 : 60_000,
    })
  }
  return zones
}

/** The limits of a block; those around it when it has none of its own. */
function usesOf(
  block: readonly Directive[],
  zones: ReadonlyMap<string, Zone>,
  around: readonly Use[],
): readonly Use[] {
  const own = block.filter(({ name }) => name === 'limit_req')
  if (own.length === 0) return around
  return own.map(({ args, line }) => {
    const settings = new Map(
      args.map((arg): [string, string] => [arg.split('=', 1)[0]!, arg.split('=')[1] ?? '']),
    )
    const name = settings.get('zone') ?? ''
    const zone = zones.get(name)
    if (!zone)
      throw new UnreadableLimits(
        line,
        `limit_req has the zone ${JSON.stringify(name)}, which no limit_req_zone defines`,
      )
    const burst = Number(settings.get('burst') ?? '0')
    const unknown = [...settings.keys()].find((key) => !['zone', 'burst', 'nodelay', 'delay'].includes(key))
    if (unknown !== undefined || !Number.isInteger(burst) || burst < 0) {
      throw new UnreadableLimits(line, `limit_req ${args.join(' ')} is not understood`)
    }
    const counting = { kind: 'bucket', limit: zone.rate, burst: burst + 1, windowMs: zone.windowMs } as const
    return { zone: name, counting, key: zone.key }
  })
}

function locationsOf(
  block: readonly Directive[],
  zones: ReadonlyMap<string, Zone>,
  around: readonly Use[],
): Location[] {
  return block
    .filter(({ name }) => name === 'location')
    .map(({ args, block: inner, line }) => {
      const [modifier, path] = args.length > 1 ? [args[0]!, args[1]!] : ['', args[0] ?? '']
      if (!['', '=', '^~', '~', '~*'].includes(modifier) || inner === null) {
        throw new UnreadableLimits(line, `location ${args.join(' ')} is not understood`)
      }
      refuse(inner, true)
      const uses = usesOf(inner, zones, around)
      const pattern = modifier.startsWith('~') ? expression(path, line, modifier === '~*' ? 'i' : '') : null
      return { modifier, path, pattern, uses, inner: locationsOf(inner, zones, uses) }
    })
    .filter(({ path, modifier }) => !(modifier === '' && path.startsWith('@')))
}

/** Exact before patterns, the longest prefix first (ngx_http_core_find_location). */
function usesFor(uri: string, locations: readonly Location[]): readonly Use[] | null {
  const exact = locations.find(({ modifier, path }) => modifier === '=' && path === uri)
  if (exact) return exact.uses
  const prefixes = locations.filter(
    ({ modifier, path }) => (modifier === '' || modifier === '^~') && uri.startsWith(path),
  )
  const longest = prefixes.reduce<Location | null>(
    (best, each) => (best && best.path.length >= each.path.length ? best : each),
    null,
  )
  const inner = longest ? usesFor(uri, longest.inner) : null
  if (longest?.modifier === '^~') return inner ?? longest.uses
  const pattern = locations.find((each) => each.pattern?.test(uri))
  if (pattern) return usesFor(uri, pattern.inner) ?? pattern.uses
  return longest && (inner ?? longest.uses)
}

/** An empty key is not counted. */
function applied(uses: readonly Use[], request: SeenRequest): AppliedLimit[] {
  return uses.flatMap(({ zone, counting, key: of }) => {
    const key = of(request)
    return key === '' ? [] : [{ name: `zone ${zone}`, key, counting }]
  })
}
