import { UnreadableLimits, type Counting, type Place } from './limits.js'
import type { Directive } from './nginx-config.js'
import { NginxScript } from './nginx-script.js'
import {
  nginxPattern,
  type NginxRequest,
  type NginxTest,
  type NginxValue,
  type NginxVariables,
} from './nginx-variables.js'

/** The key of a zone, whose variables are looked up when all are known. */
export class ZoneKey {
  readonly #source: string
  readonly #line: Place
  #value: NginxValue | null = null

  constructor(source: string, line: Place) {
    this.#source = source
    this.#line = line
  }

  /** @throws UnreadableLimits naming a variable that no log can tell */
  compile(variables: NginxVariables): void {
    this.#value ??= variables.text(this.#source, this.#line)
  }

  /** Empty: the request is not counted. */
  of(request: NginxRequest): string {
    return this.#value?.(request) ?? ''
  }
}

export interface Zone {
  readonly key: ZoneKey
  readonly milliRate: number
}

/** A limit_req that holds for a block. */
export interface Use {
  readonly zone: string
  readonly counting: Counting
  readonly key: ZoneKey
}

/** What a block says about its requests, or the blocks around it. */
export interface Block {
  readonly uses: readonly Use[]
  readonly script: NginxScript
  /** The last argument of try_files: where requests go whose file does not exist. */
  readonly fallback: { readonly target: string; readonly line: Place } | null
  readonly index: readonly string[]
  readonly hasHandler: boolean
}

export interface Location extends Block {
  readonly modifier: string
  readonly path: string
  readonly pattern: NginxTest | null
  readonly inner: readonly Location[]
}

interface Around {
  readonly zones: ReadonlyMap<string, Zone>
  readonly variables: NginxVariables
}

const HANDLER = /^(?:\w+_pass|content_by_lua\w*|empty_gif|stub_status)$/

/** @param around of the block around it, whose limits hold where there are none */
export function blockOf(
  block: readonly Directive[],
  around: Block | null,
  { zones, variables }: Around,
): Block {
  const fallback = block.find(({ name }) => name === 'try_files')
  const index = block.filter(({ name }) => name === 'index').flatMap(({ args }) => args)
  return {
    uses: usesOf(block, zones, around?.uses ?? []),
    script: new NginxScript(block, variables),
    fallback: fallback ? { target: fallback.args.at(-1) ?? '', line: fallback.line } : null,
    index: index.length > 0 ? index : (around?.index ?? ['index.html']),
    hasHandler: block.some(({ name }) => HANDLER.test(name)),
  }
}

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
    const zone = settings.get('zone') ?? ''
    const found = zones.get(zone)
    if (!found)
      throw new UnreadableLimits(
        line,
        `limit_req has the zone ${JSON.stringify(zone)}, which no limit_req_zone defines`,
      )
    const burst = Number(settings.get('burst') ?? '0')
    const unknown = [...settings.keys()].find((key) => !['zone', 'burst', 'nodelay', 'delay'].includes(key))
    if (unknown !== undefined || !Number.isInteger(burst) || burst < 0) {
      throw new UnreadableLimits(line, `limit_req ${args.join(' ')} is not understood`)
    }
    return { zone, counting: { kind: 'leaky', milliRate: found.milliRate, burst, zone }, key: found.key }
  })
}

export function locationsOf(block: readonly Directive[], outer: Block, around: Around): Location[] {
  return block
    .filter(({ name }) => name === 'location')
    .map(({ args, block: inner, line }) => {
      const [modifier, path] = splitLocation(args)
      if (!['', '=', '^~', '~', '~*'].includes(modifier) || path === '' || inner === null) {
        throw new UnreadableLimits(line, `location ${args.join(' ')} is not understood`)
      }
      const own = blockOf(inner, outer, around)
      const pattern = modifier.startsWith('~') ? nginxPattern(`${modifier.slice(1)}${path}`, line) : null
      return { ...own, modifier, path, pattern, inner: locationsOf(inner, own, around) }
    })
}

/** `location =/x` and `location ~\.php$` have no space between. */
function splitLocation(args: readonly string[]): [string, string] {
  if (args.length === 2) return [args[0]!, args[1]!]
  const [, modifier = '', path = ''] = /^(=|\^~|~\*?)?(.*)$/s.exec(args.length === 1 ? args[0]! : '') ?? []
  return [modifier, path]
}

/** A location was found; a pattern or an exact one, after which no further pattern is tried. */
export type Found = { readonly location: Location; readonly isFinal: boolean } | 'redirected' | null

/**
 * The location of a URI (ngx_http_core_find_location): an exact one, else the longest prefix and the locations within it, else
 * the first pattern.
 */
export function findLocation(request: NginxRequest, locations: readonly Location[]): Found {
  const { uri } = request
  let longest: Location | null = null
  let redirects = false
  for (const each of locations) {
    if (each.pattern || each.path.startsWith('@')) continue
    if (each.modifier === '=' && each.path === uri) return { location: each, isFinal: true }
    if (each.hasHandler && each.path.length === uri.length + 1 && each.path === `${uri}/`) redirects = true
    if (each.modifier === '=' || !uri.startsWith(each.path)) continue
    if (longest === null || each.path.length > longest.path.length) longest = each
  }
  // A location /x/ with a handler answers /x with a redirect.
  if (redirects && longest?.path !== uri) return 'redirected'
  const inner = longest ? findLocation(request, longest.inner) : null
  if (inner === 'redirected' || inner?.isFinal) return inner
  const within = inner ?? (longest && { location: longest, isFinal: false })
  if (longest?.modifier === '^~') return within
  const pattern = locations.find((each) => each.pattern?.(uri, request))
  if (!pattern) return within
  const nested = findLocation(request, pattern.inner)
  return nested === 'redirected' ? nested : { location: nested?.location ?? pattern, isFinal: true }
}
