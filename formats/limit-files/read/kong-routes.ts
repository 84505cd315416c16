import { expression, UnreadableLimits } from './limits.js'
import { at, lineOf, type YamlNode } from './yaml-nodes.js'

/** A route, or one of its paths: each is looked at by itself (traditional_compatible). */
export interface RoutePath {
  readonly route: string
  readonly service: string | null
  readonly methods: readonly unknown[] | null
  readonly prefix: string
  readonly pattern: RegExp | null
  /** How many kinds of conditions the route has. */
  readonly weight: number
  readonly hasPlainHosts: boolean
  readonly priority: number
}

/**
 * The paths of all routes in the order in which Kong looks at them: most conditions first, then patterns by their priority,
 * then the longest path.
 *
 * @param host of the requests of the log; undefined: it is not known
 * @throws UnreadableLimits where a log does not tell which route a request takes
 */
export function routePaths(document: YamlNode, host: string | undefined): RoutePath[] {
  const paths: RoutePath[] = []
  const hosts = new Set<string>()
  const add = (route: YamlNode, service: string | null) => {
    for (const field of ['headers', 'snis', 'expression', 'sources', 'destinations']) {
      const found = at(route, field)
      if (found && (found.items?.length !== 0 || found.fields !== null) && found.value !== null)
        throw new UnreadableLimits(lineOf(found), `${field} of a route cannot be told from a log`)
    }
    const own = hostsOf(route)
    hosts.add(JSON.stringify([...own].sort()))
    if (host === undefined && hosts.size > 1)
      throw new UnreadableLimits(
        lineOf(at(route, 'hosts') ?? route),
        'routes have different hosts, and a log does not tell the host: give --server',
      )
    if (host === undefined || own.length === 0 || own.some((each) => matchesHost(each, host)))
      paths.push(...pathsOf(route, service, own))
  }
  for (const service of at(document, 'services')?.items ?? []) {
    for (const route of at(service, 'routes')?.items ?? []) add(route, labelOf(service))
  }
  for (const route of at(document, 'routes')?.items ?? []) {
    const named = at(route, 'service')
    const name = named?.value ?? at(named, 'name')?.value ?? at(named, 'id')?.value
    add(route, typeof name === 'string' ? name : null)
  }
  return paths.sort(byPriority)
}

export function labelOf(node: YamlNode): string {
  const name = at(node, 'name')?.value ?? at(node, 'username')?.value ?? at(node, 'id')?.value
  return typeof name === 'string' ? name : `line ${lineOf(node)}`
}

const hostsOf = (route: YamlNode) =>
  (at(route, 'hosts')?.items ?? []).map(({ value }) => String(value).toLowerCase())

function matchesHost(pattern: string, host: string): boolean {
  const [own, wanted] = [pattern.replace(/:\d+$/, ''), host.toLowerCase()]
  if (own.startsWith('*.')) return wanted.endsWith(own.slice(1))
  if (own.endsWith('.*')) return wanted.startsWith(own.slice(0, -1))
  return own === wanted
}

function pathsOf(route: YamlNode, service: string | null, hosts: readonly string[]): RoutePath[] {
  const methods = at(route, 'methods')?.items?.map(({ value }) => value) ?? null
  const given = at(route, 'paths')?.items ?? []
  const weight = Number(methods !== null) + Number(given.length > 0) + Number(hosts.length > 0)
  const common = {
    ...{ route: labelOf(route), service, methods, weight },
    hasPlainHosts: hosts.length > 0 && !hosts.some((each) => each.includes('*')),
    priority: Number(at(route, 'regex_priority')?.value ?? 0),
  }
  if (given.length === 0) return [{ ...common, prefix: '', pattern: null }]
  return given.map((path) => {
    const text = String(path.value)
    const pattern = text.startsWith('~') ? expression(`^(?:${text.slice(1)})`, lineOf(path)) : null
    return { ...common, prefix: text, pattern }
  })
}

function byPriority(a: RoutePath, b: RoutePath): number {
  const isPattern = ({ pattern }: RoutePath) => Number(pattern !== null)
  return (
    b.weight - a.weight ||
    Number(b.hasPlainHosts) - Number(a.hasPlainHosts) ||
    isPattern(b) - isPattern(a) ||
    (a.pattern ? b.priority - a.priority : 0) ||
    b.prefix.length - a.prefix.length
  )
}

/** @param path as Kong normalizes it */
export function takesRoute({ methods, pattern, prefix }: RoutePath, path: string, method: string): boolean {
  if (methods !== null && !methods.includes(method)) return false
  return pattern ? pattern.test(path) : path.startsWith(prefix)
}
