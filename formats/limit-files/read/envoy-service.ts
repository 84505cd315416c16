import { UnreadableLimits, type AppliedLimit, type FileLimits, type SeenRequest } from './limits.js'
import { networkKey, networkMatcher } from './network-matcher.js'
import { at, lineOf, type YamlNode } from './yaml-nodes.js'

const UNITS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
}
const FIELDS = new Set([
  'key',
  'value',
  'descriptors',
  'rate_limit',
  'shadow_mode',
  'detailed_metric',
  'quota_mode',
])

/** A descriptor of the file, with those within it. */
interface Node {
  readonly key: string
  /** Null: any value, each with a counter of its own. */
  readonly value: string | null
  readonly name: string
  readonly limit: { readonly limit: number; readonly windowMs: number } | null
  /** What the counter of a request is: its value where the descriptor has none. */
  valueOf(request: SeenRequest): string
  matches(request: SeenRequest): boolean
  readonly inner: readonly Node[]
}

type NameTest = (endpoint: string, request: SeenRequest) => boolean

/**
 * The descriptors of envoyproxy/ratelimit. Which descriptors a request sends is in the routes of Envoy, so only those are
 * understood that a log tells: the path, the method or the address, and a generic_key that is an endpoint's name. A descriptor
 * with the value of a request counts in the place of one without a value.
 */
export function ratelimitServiceLimits(document: YamlNode, nameMatches: NameTest): FileLimits {
  const names = endpointNames(at(document, 'descriptors'))
  const routed = (request: SeenRequest) => names.find((name) => nameMatches(name, request)) ?? 'other'
  const nodes = nodesOf(at(document, 'descriptors'), '', routed)
  const countOf = (all: readonly Node[]): number =>
    all.reduce((sum, { limit, inner }) => sum + (limit ? 1 : 0) + countOf(inner), 0)
  return {
    gateway: 'envoy',
    count: countOf(nodes),
    counts: 'each',
    remarks: ['shadow_mode is not looked at: this is what the service would reject when it enforces.'],
    limitsOf: (request) => appliedOf(nodes, request, ''),
  }
}

function appliedOf(nodes: readonly Node[], request: SeenRequest, around: string): AppliedLimit[] {
  const met = nodes.filter((node) => node.matches(request))
  const best = new Map<string, number>()
  for (const node of met) best.set(node.key, Math.max(rank(node), best.get(node.key) ?? 0))
  return met
    .filter((node) => rank(node) === best.get(node.key))
    .flatMap(({ name, limit, inner, valueOf }) => {
      const key = `${around} ${valueOf(request)}`
      const own: AppliedLimit[] = limit ? [{ name, key, counting: { kind: 'window', ...limit } }] : []
      return [...own, ...appliedOf(inner, request, key)]
    })
}

/** A value before the beginning of one, and that before any value. */
const rank = ({ value }: Node) => (value === null ? 0 : value.endsWith('*') ? 1 : 2)

const OF_ENDPOINT = /^(?:generic_key|per_hour|per_day|header_match)$/

/** In the order of the file: a request sends the first that it belongs to. */
function endpointNames(list: YamlNode | undefined): string[] {
  const names = (list?.items ?? []).flatMap((node): string[] => [
    ...(OF_ENDPOINT.test(String(at(node, 'key')?.value)) ? [String(at(node, 'value')?.value ?? '')] : []),
    ...endpointNames(at(node, 'descriptors')),
  ])
  return [...new Set(names)].filter((name) => name !== 'gateway' && name !== 'other')
}

type Routed = (request: SeenRequest) => string

function nodesOf(list: YamlNode | undefined, around: string, routed: Routed): Node[] {
  return (list?.items ?? []).map((node) => {
    for (const [field, value] of node.fields ?? []) {
      if (!FIELDS.has(field))
        throw new UnreadableLimits(lineOf(value), `${field} of a descriptor is not understood`)
    }
    const key = String(at(node, 'key')?.value)
    const given = at(node, 'value')?.value
    const value = given === undefined || given === null || given === '' ? null : String(given)
    const label = value ?? (around || key)
    const limit = limitOf(at(node, 'rate_limit'))
    const seconds = limit ? limit.windowMs / 1000 : 0
    return {
      ...{ key, value, limit, name: limit ? `${label}, ${limit.limit} in ${seconds} s` : label },
      ...testOf(key, value, node, routed),
      inner: nodesOf(at(node, 'descriptors'), label, routed),
    }
  })
}

function testOf(
  key: string,
  value: string | null,
  node: YamlNode,
  routed: Routed,
): Pick<Node, 'matches' | 'valueOf'> {
  const plain = (of: (request: SeenRequest) => string) => ({
    matches: (request: SeenRequest) =>
      value === null
        ? of(request) !== ''
        : value.endsWith('*')
          ? of(request).startsWith(value.slice(0, -1))
          : of(request) === value,
    valueOf: value === null || value.endsWith('*') ? of : () => '',
  })
  if (key === 'remote_address' || key === 'masked_remote_address') {
    const network = value === null ? null : networkMatcher(value)
    if (value !== null && network === null)
      throw new UnreadableLimits(lineOf(node), `${value.slice(0, 80)} is no address`)
    return {
      matches: ({ address }) => address !== '' && (network === null || network.contains(address)),
      valueOf: ({ address }) => (key === 'remote_address' ? address : networkKey(address, 32, 64)),
    }
  }
  if (key === 'path' || key === ':path') return plain(({ path }) => path)
  if (key === 'method' || key === ':method') return plain(({ method }) => method)
  if (OF_ENDPOINT.test(key) && value !== null) {
    return { matches: (request) => value === 'gateway' || routed(request) === value, valueOf: () => '' }
  }
  throw new UnreadableLimits(lineOf(node), `the descriptor ${key.slice(0, 80)} cannot be told from a log`)
}

function limitOf(rate: YamlNode | undefined): Node['limit'] {
  if (!rate || at(rate, 'unlimited')?.value === true) return null
  const limit = Number(at(rate, 'requests_per_unit')?.value)
  const windowMs = UNITS[String(at(rate, 'unit')?.value).toLowerCase()]
  if (Number.isSafeInteger(limit) && limit >= 1 && windowMs !== undefined) return { limit, windowMs }
  throw new UnreadableLimits(
    lineOf(rate),
    'a rate_limit needs unit (second, minute, hour, day or week) and requests_per_unit',
  )
}
