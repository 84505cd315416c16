import {
  durationMs,
  expression,
  UnreadableLimits,
  type AppliedLimit,
  type FileLimits,
  type SeenRequest,
} from './limits.js'
import { at, lineOf, type YamlNode } from './yaml-nodes.js'

interface Bucket {
  readonly name: string
  readonly counting: Extract<AppliedLimit['counting'], { kind: 'bucket' }>
  matches(request: SeenRequest): boolean
}

/** The local rate limits of an Envoy configuration: of the filter, of virtual hosts and of routes. */
export function envoyLimits(documents: readonly YamlNode[]): FileLimits {
  const filters: Bucket[] = []
  const routes: { matches: Bucket['matches']; bucket: Bucket | null }[] = []
  const visit = (node: YamlNode, host: Bucket | null): void => {
    const own = at(node, 'typed_per_filter_config', 'envoy.filters.http.local_ratelimit')
    const bucket = own && bucketOf(own, `line ${lineOf(own)}`)
    const match = at(node, 'match')
    const isRoute =
      match !== undefined && (at(node, 'route') ?? at(node, 'redirect') ?? at(node, 'direct_response'))
    if (isRoute) routes.push({ matches: routeMatch(match), bucket: bucket ?? host })
    const type = at(node, 'typed_config', '@type')?.value
    if (
      typeof type === 'string' &&
      type.endsWith('LocalRateLimit') &&
      at(node, 'typed_config', 'token_bucket')
    ) {
      filters.push(bucketOf(at(node, 'typed_config')!, 'filter'))
    }
    if (typeof type === 'string' && /\.ratelimit\.v\d\.RateLimit$/.test(type)) {
      throw new UnreadableLimits(lineOf(node), 'the limits are in the rate limit service: check its own file')
    }
    const inner = [...(node.items ?? []), ...(node.fields ?? new Map<string, YamlNode>())]
    for (const each of inner) {
      const [name, child] = Array.isArray(each) ? (each as [string, YamlNode]) : ['', each as YamlNode]
      if (name !== 'typed_per_filter_config' && name !== 'match')
        visit(child, isRoute ? host : (bucket ?? host))
    }
  }
  documents.forEach((document) => visit(document, null))
  const buckets = new Set([...filters, ...routes.flatMap(({ bucket }) => bucket ?? [])])
  return {
    gateway: 'envoy',
    count: buckets.size,
    remarks: ['Every process of Envoy has buckets of its own: this is what one process would reject.'],
    limitsOf(request) {
      const route = routes.find((each) => each.matches(request))
      const found = route?.bucket ? [route.bucket] : filters
      return found.map(({ name, counting }) => ({ name, key: '', counting }))
    },
  }
}

function bucketOf(node: YamlNode, name: string): Bucket {
  const descriptors = at(node, 'descriptors')
  if (descriptors?.items?.length) {
    throw new UnreadableLimits(
      lineOf(descriptors),
      'descriptors of a local rate limit are not understood; token_bucket is',
    )
  }
  const bucket = at(node, 'token_bucket')
  const burst = Number(at(bucket, 'max_tokens')?.value)
  const limit = Number(at(bucket, 'tokens_per_fill')?.value ?? 1)
  const windowMs = Math.round(durationMs(String(at(bucket, 'fill_interval')?.value), 's'))
  if (!(burst >= 1 && limit >= 1 && windowMs >= 1) || !Number.isSafeInteger(burst * limit)) {
    throw new UnreadableLimits(
      lineOf(bucket ?? node),
      'a token_bucket needs max_tokens, tokens_per_fill and fill_interval',
    )
  }
  return { name, counting: { kind: 'bucket', limit, burst, windowMs }, matches: () => true }
}

function routeMatch(node: YamlNode): Bucket['matches'] {
  const tests: ((path: string, method: string) => boolean)[] = []
  const isInsensitive = at(node, 'case_sensitive')?.value === false
  const fold = (text: string) => (isInsensitive ? text.toLowerCase() : text)
  for (const [name, value] of node.fields ?? []) {
    const text = fold(String(value.value))
    if (name === 'prefix') tests.push((path) => fold(path).startsWith(text))
    else if (name === 'path') tests.push((path) => fold(path) === text)
    else if (name === 'path_separated_prefix')
      tests.push((path) => fold(path) === text || fold(path).startsWith(`${text}/`))
    else if (name === 'safe_regex') {
      const pattern = expression(`^(?:${String(at(value, 'regex')?.value)})$`, lineOf(value))
      tests.push((path) => pattern.test(path))
    } else if (name === 'headers') tests.push(...(value.items ?? []).map(methodTest))
    else if (name !== 'case_sensitive')
      throw new UnreadableLimits(lineOf(value), `${name} of a match is not understood`)
  }
  return ({ path, method }) => tests.every((test) => test(path, method))
}

function methodTest(node: YamlNode): (path: string, method: string) => boolean {
  const exact = at(node, 'string_match', 'exact')?.value ?? at(node, 'exact_match')?.value
  if (at(node, 'name')?.value === ':method' && typeof exact === 'string')
    return (_path, method) => method === exact
  throw new UnreadableLimits(lineOf(node), 'a match by a header other than :method cannot be told from a log')
}

const UNITS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}
const FIELDS = new Set(['key', 'value', 'descriptors', 'rate_limit', 'shadow_mode', 'detailed_metric'])

/**
 * The descriptors of envoyproxy/ratelimit. Which descriptors a request sends is in the routes of Envoy, so only those are
 * understood that a log tells: the path or the address, and a generic_key that is an endpoint's name.
 */
export function ratelimitServiceLimits(
  document: YamlNode,
  nameMatches: (endpoint: string, request: SeenRequest) => boolean,
): FileLimits {
  const rules: {
    name: string
    ofClient: boolean
    limit: number
    windowMs: number
    matches: Bucket['matches']
  }[] = []
  const visit = (node: YamlNode, matches: Bucket['matches'], ofClient: boolean, name: string): void => {
    for (const [field, value] of node.fields ?? []) {
      if (!FIELDS.has(field))
        throw new UnreadableLimits(lineOf(value), `${field} of a descriptor is not understood`)
    }
    const [key, value] = [String(at(node, 'key')?.value), at(node, 'value')?.value]
    const text = typeof value === 'string' ? value : null
    let [own, isClient]: [Bucket['matches'], boolean] = [() => true, ofClient]
    if (key === 'remote_address' || key === 'masked_remote_address') {
      isClient = true
      if (text !== null) own = ({ address }) => address === text.replace(/\/(?:32|128)$/, '')
    } else if (key === 'path' && text !== null) own = ({ path }) => path === text
    else if (key === 'method' && text !== null) own = ({ method }) => method === text
    else if ((key === 'generic_key' || key === 'per_hour' || key === 'header_match') && text !== null) {
      own = (request) => text === 'gateway' || nameMatches(text, request)
    } else throw new UnreadableLimits(lineOf(node), `the descriptor ${key} cannot be told from a log`)
    const both = (request: SeenRequest) => matches(request) && own(request)
    const label = text ?? name
    const rate = at(node, 'rate_limit')
    if (rate) {
      const [limit, windowMs] = [
        Number(at(rate, 'requests_per_unit')?.value),
        UNITS[String(at(rate, 'unit')?.value).toLowerCase()],
      ]
      if (!Number.isSafeInteger(limit) || limit < 1 || windowMs === undefined) {
        throw new UnreadableLimits(
          lineOf(rate),
          'a rate_limit needs unit (second, minute, hour or day) and requests_per_unit',
        )
      }
      rules.push({
        name: `${label}, ${limit} in ${windowMs / 1000} s`,
        ofClient: isClient,
        limit,
        windowMs,
        matches: both,
      })
    }
    for (const inner of at(node, 'descriptors')?.items ?? []) visit(inner, both, isClient, label)
  }
  for (const node of at(document, 'descriptors')?.items ?? []) visit(node, () => true, false, '')
  return {
    gateway: 'envoy',
    count: rules.length,
    remarks: ['shadow_mode is not looked at: this is what the service would reject when it enforces.'],
    limitsOf: (request) =>
      rules
        .filter(({ matches, ofClient }) => matches(request) && (!ofClient || request.address !== ''))
        .map(({ name, ofClient, limit, windowMs }) => ({
          ...{
            name,
            key: ofClient ? request.address : '',
            counting: { kind: 'window', limit, windowMs } as const,
          },
        })),
  }
}
