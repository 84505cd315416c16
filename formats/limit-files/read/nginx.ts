import {
  isRefusedPath,
  normalizedPath,
  placeText,
  UnreadableLimits,
  type AppliedLimit,
  type FileLimits,
  type ReadingContext,
  type SeenRequest,
} from './limits.js'
import type { Directive } from './nginx-config.js'
import { directivesWithIncludes } from './nginx-include.js'
import {
  blockOf,
  ZoneKey,
  findLocation,
  locationsOf,
  type Block,
  type Location,
  type Use,
  type Zone,
} from './nginx-location.js'
import { defineVariables } from './nginx-script.js'
import { chosenServer } from './nginx-server.js'
import { NginxVariables, type NginxRequest } from './nginx-variables.js'

/** As NGINX: a request that is rewritten more often is answered with 500. */
const MAX_REWRITES = 10

/** The limits of limit_req: includes, maps, geo blocks, rewrite rules, locations and inheritance. */
export function nginxLimits(text: string, { server: name, files }: ReadingContext = {}): FileLimits {
  const top = directivesWithIncludes(text, files)
  const http = top.filter((each) => each.name === 'http').flatMap(({ block }) => block ?? [])
  const main = http.length > 0 ? http : top
  const variables = new NginxVariables()
  defineVariables(main, variables)
  for (const each of main) if (each.name === 'map' || each.name === 'geo') variables.add(each)
  const { server, remarks } = chosenServer(main, name)
  const inner = server?.block ?? main
  const zones = zonesOf(main)
  const around = { zones, variables }
  const shared = server ? blockOf(main, null, around) : null
  const own = blockOf(inner, shared, around)
  const locations = locationsOf(inner, own, around)
  const uses = [...own.uses, ...all(locations)]
  // Keys come last: only then it is known which variables an untold condition sets.
  for (const { key } of uses) key.compile(variables)
  const flow = new Flow(own, locations, !isOff(main, inner, 'merge_slashes'))
  return {
    gateway: 'nginx',
    count: new Set(uses.map(({ zone }) => zone)).size,
    remarks: [...remarks, ...remarksOf(main, inner), ...(variables.assumesTls ? [TLS] : [])],
    limitsOf: (request) => flow.limitsOf(request),
  }
}

const TLS = 'Every request counts as sent over TLS ($scheme is https).'

const all = (locations: readonly Location[]): Use[] =>
  locations.flatMap(({ uses, inner }) => [...uses, ...all(inner)])

function isOff(main: readonly Directive[], server: readonly Directive[], name: string): boolean {
  const found = [...server, ...main].find((each) => each.name === name)
  return found?.args[0] === 'off'
}

function zonesOf(block: readonly Directive[]): Map<string, Zone> {
  const zones = new Map<string, Zone>()
  for (const { name, args, line } of block) {
    if (name !== 'limit_req_zone') continue
    const [key = '', ...rest] = args
    const zone = rest.map((arg) => /^zone=([^:]+):\S+$/.exec(arg)?.[1]).find((found) => found !== undefined)
    const [, number, unit] = rest.map((arg) => /^rate=(\d+)r\/([sm])$/.exec(arg)).find((found) => found) ?? []
    if (zone === undefined || number === undefined || Number(number) < 1) {
      throw new UnreadableLimits(line, 'limit_req_zone needs a key, zone=name:size and rate=Nr/s or Nr/m')
    }
    // NGINX counts in whole thousandths of a request a second.
    const milliRate = Math.floor((Number(number) * 1000) / (unit === 's' ? 1 : 60))
    zones.set(zone, { key: new ZoneKey(key, line), milliRate })
  }
  return zones
}

function remarksOf(main: readonly Directive[], server: readonly Directive[]): string[] {
  const found = new Map<string, Directive>()
  const visit = (each: Directive) => {
    if (each.name === 'limit_conn' || (each.name === 'limit_req_dry_run' && each.args[0] === 'on'))
      if (!found.has(each.name)) found.set(each.name, each)
    if (each.name !== 'server') each.block?.forEach(visit)
  }
  ;[...main, ...server].forEach(visit)
  const [dry, connections] = [found.get('limit_req_dry_run'), found.get('limit_conn')]
  return [
    ...(dry ? ['limit_req_dry_run is on: the gateway only logs; this is what it would reject.'] : []),
    ...(connections
      ? [
          `limit_conn (${placeText(connections.line)}) is not replayed: a log does not tell how many requests run at once.`,
        ]
      : []),
  ]
}

/** The way of a request through a server, up to its limits. */
class Flow {
  readonly #server: Block
  readonly #locations: readonly Location[]
  readonly #mergesSlashes: boolean
  /** Of the request that is on its way. */
  readonly #variables = new Map<string, string>()

  constructor(server: Block, locations: readonly Location[], mergesSlashes: boolean) {
    this.#server = server
    this.#locations = locations
    this.#mergesSlashes = mergesSlashes
  }

  limitsOf(seen: SeenRequest): AppliedLimit[] {
    if (isRefusedPath(seen.path)) return []
    const uri = normalizedPath(seen.path, this.#mergesSlashes)
    const { timeMs, method, target, path, address, user, agent } = seen
    const variables = this.#variables
    if (variables.size > 0) variables.clear()
    const request: NginxRequest = { timeMs, method, target, path, address, user, agent, uri, variables }
    if (this.#server.script.run(request) === 'answered') return []
    const block = this.#blockOf(request)
    if (block === null) return []
    if (block.uses.length === 0) this.#assertNoneBehind(block, request)
    return applied(block.uses, request)
  }

  #blockOf(request: NginxRequest): Block | null {
    for (let i = 0; i < MAX_REWRITES; i++) {
      const found = findLocation(request, this.#locations)
      if (found === 'redirected') return null
      if (found === null) return this.#server
      const outcome = found.location.script.run(request)
      if (outcome === 'answered') return null
      if (outcome === 'stays') return found.location
    }
    return null
  }

  /** A request without limits may meet those of the location to which try_files or index sends it. */
  #assertNoneBehind({ fallback, index, hasHandler }: Block, request: NginxRequest): void {
    const target = fallback?.target ?? ''
    const uris = /^(?:$|=|\$)/.test(target) ? [] : [target]
    const ofFolder = !hasHandler && request.uri.endsWith('/') ? index.map((name) => request.uri + name) : []
    for (const uri of [...uris.map((each) => each.split('?', 1)[0]!), ...ofFolder]) {
      if (this.#usesOf(uri, request).length === 0) continue
      throw new UnreadableLimits(
        fallback?.line ?? 1,
        `a log does not tell which files exist, and ${uri} has limits that ${request.uri.slice(0, 80)} has not`,
      )
    }
  }

  #usesOf(uri: string, request: NginxRequest): readonly Use[] {
    if (uri.startsWith('@')) return this.#locations.find(({ path }) => path === uri)?.uses ?? []
    const found = findLocation({ ...request, uri, variables: new Map() }, this.#locations)
    return found === 'redirected' ? [] : (found?.location.uses ?? [])
  }
}

/** An empty key is not counted. */
function applied(uses: readonly Use[], request: NginxRequest): AppliedLimit[] {
  return uses.flatMap(({ zone, counting, key: of }) => {
    const key = of.of(request)
    return key === '' ? [] : [{ name: `zone ${zone}`, key, counting }]
  })
}
