import { descriptorsOf, type DescriptorOf } from './envoy-descriptors.js'
import { bucketsFor, localLimits, perFilter, type LocalLimits } from './envoy-local.js'
import { routeMatch, type RequestTest } from './envoy-match.js'
import { UnreadableLimits, type FileLimits, type ReadingContext } from './limits.js'
import { at, lineOf, type YamlNode } from './yaml-nodes.js'

type Overrides = ReadonlyMap<string, LocalLimits | null>

interface Route {
  readonly matches: RequestTest
  readonly overrides: Overrides
  /** `rate_limits` of the route and the virtual host. */
  readonly descriptors: (stage: number) => readonly DescriptorOf[]
}

/** The local rate limits of an Envoy configuration: of the filter, of virtual hosts and of routes, with descriptors. */
export function envoyLimits(documents: readonly YamlNode[], { server }: ReadingContext = {}): FileLimits {
  const filters = filtersOf(documents)
  const routes = hostsFor(documents, server).flatMap(routesOf)
  const overrides = routes.flatMap((route) => [...route.overrides])
  // A file of routes alone has no filters.
  const names =
    filters.length > 0 ? filters.map(([name]) => name) : [...new Set(overrides.map(([name]) => name))]
  const base = new Map(filters)
  const all = new Set([...base.values(), ...overrides.map(([, limits]) => limits)])
  const count = [...all].reduce(
    (sum, each) => sum + (each?.bucket ? 1 : 0) + (each?.descriptors.length ?? 0),
    0,
  )
  const cached = new Map<Route | null, ReadonlyMap<number, readonly DescriptorOf[]>>()
  const descriptorsFor = (route: Route | null, stage: number): readonly DescriptorOf[] => {
    const known = cached.get(route) ?? new Map<number, readonly DescriptorOf[]>()
    const found = known.get(stage) ?? route?.descriptors(stage) ?? []
    cached.set(route, new Map([...known, [stage, found]]))
    return found
  }
  for (const route of routes)
    for (const each of all) if (each?.descriptors.length) descriptorsFor(route, each.stage)
  return {
    gateway: 'envoy',
    count,
    counts: 'until-rejected',
    remarks: [
      'Every process of Envoy has buckets of its own: this is what one process would reject.',
      'Buckets fill continuously (Envoy before 1.31 fills them at each fill_interval). filter_enabled and filter_enforced are taken as 100 %.',
    ],
    limitsOf(request) {
      const route = routes.find(({ matches }) => matches(request)) ?? null
      // Without a route, Envoy answers 404; the filter runs all the same.
      return names.flatMap((name) => {
        const own = route?.overrides.get(name)
        const limits = own === undefined ? base.get(name) : own
        if (!limits) return []
        const descriptors = limits.descriptors.length > 0 ? descriptorsFor(route, limits.stage) : []
        return bucketsFor(limits, descriptors, request)
      })
    },
  }
}

function children(node: YamlNode): YamlNode[] {
  return [...(node.items ?? []), ...(node.fields?.values() ?? [])]
}

/** Nodes within others for which a test holds, not within each other. */
function within(nodes: readonly YamlNode[], test: (node: YamlNode) => boolean): YamlNode[] {
  return nodes.flatMap((node) => (test(node) ? [node] : within(children(node), test)))
}

function filtersOf(documents: readonly YamlNode[]): [string, LocalLimits][] {
  const chains = within(documents, (node) => (at(node, 'http_filters')?.items?.length ?? 0) > 0)
  const typeOf = (node: YamlNode) => String(at(node, 'typed_config', '@type')?.value ?? '')
  const filters = within(chains.length > 0 ? chains : documents, (node) =>
    /(?:LocalRateLimit|\.RateLimit)$/.test(typeOf(node)),
  )
  const service = filters.find((node) => typeOf(node).endsWith('.RateLimit'))
  if (service)
    throw new UnreadableLimits(
      lineOf(service),
      'the limits are in the rate limit service: check its own file',
    )
  const limited = chains.filter(
    (chain) => within([chain], (node) => typeOf(node).endsWith('LocalRateLimit')).length > 0,
  )
  if (limited.length > 1)
    throw new UnreadableLimits(
      lineOf(limited[1]!),
      'several listeners have limits, and a log does not tell which',
    )
  return filters.map((node) => {
    const name = at(node, 'name')?.value
    return [
      typeof name === 'string' ? name : 'envoy.filters.http.local_ratelimit',
      localLimits(at(node, 'typed_config')!, 'filter'),
    ]
  })
}

/** The virtual host whose log it is. */
function hostsFor(documents: readonly YamlNode[], server: string | undefined): YamlNode[] {
  const hosts = within(documents, (node) => (at(node, 'virtual_hosts')?.items?.length ?? 0) > 0).flatMap(
    (node) => at(node, 'virtual_hosts')!.items!,
  )
  const domains = (host: YamlNode) =>
    (at(host, 'domains')?.items ?? []).map(({ value }) => String(value).toLowerCase())
  if (server !== undefined) {
    const wanted = server.toLowerCase()
    const found =
      hosts.find((host) => domains(host).includes(wanted)) ??
      hosts.find((host) =>
        domains(host).some((each) => each.startsWith('*.') && wanted.endsWith(each.slice(1))),
      ) ??
      hosts.find((host) => domains(host).includes('*'))
    if (found) return [found]
    throw new UnreadableLimits(1, `no virtual host has the domain ${server.slice(0, 80)}`)
  }
  if (hosts.length > 1) {
    const names = hosts.flatMap(domains).slice(0, 10).join(', ').slice(0, 200)
    throw new UnreadableLimits(
      lineOf(hosts[1]!),
      `there are ${hosts.length} virtual hosts, and a log does not tell which: give --server (${names})`,
    )
  }
  if (hosts.length === 1) return hosts
  const loose = documents.flatMap((document) =>
    within([document], (node) => at(node, 'typed_per_filter_config') !== undefined),
  )
  if (loose[0])
    throw new UnreadableLimits(
      lineOf(loose[0]),
      'typed_per_filter_config is understood within virtual_hosts alone',
    )
  return []
}

function routesOf(host: YamlNode): Route[] {
  const ofHost = perFilter(host, `line ${lineOf(host)}`)
  return (at(host, 'routes')?.items ?? []).map((route) => {
    const match = at(route, 'match')
    if (!match) throw new UnreadableLimits(lineOf(route), 'a route has no match')
    const name = at(route, 'name')?.value
    const own = perFilter(route, typeof name === 'string' ? `route ${name}` : `line ${lineOf(route)}`)
    const action = at(route, 'route')
    return {
      matches: routeMatch(match),
      overrides: new Map([...ofHost, ...own]),
      descriptors(stage) {
        const ofRoute = at(action, 'rate_limits')
        const withHost = !ofRoute?.items?.length || at(action, 'include_vh_rate_limits')?.value === true
        return [
          ...descriptorsOf(ofRoute, stage),
          ...(withHost ? descriptorsOf(at(host, 'rate_limits'), stage) : []),
        ]
      },
    }
  })
}
