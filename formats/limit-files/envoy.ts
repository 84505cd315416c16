import { ipNetwork } from './ip-network.js'
import {
  commentText,
  headLines,
  leftOut,
  type FileHead,
  type RateLimitEntry,
  longerWindows,
  WINDOW_UNITS,
} from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { literalPattern, pathPattern } from './path-pattern.js'
import { yamlText } from './yaml-text.js'

const CAN = { longWindow: [3600, 86_400], failures: false, distinctPaths: false }

/**
 * A configuration of envoyproxy/ratelimit. Its descriptors know no patterns: the routes of Envoy name the endpoint in
 * a generic_key, and for limits of clients add the remote_address. A comment has the match of each route, in the order
 * of the routes. shadow_mode counts and rejects nothing.
 */
export function envoyFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const ordered = [...plan.gateway, ...plan.endpoints, ...(plan.other ? [plan.other] : [])]
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    ...NOTES,
    `# ${restInWords(plan)}`,
    'domain: aegis_ml',
    ordered.some(canDescribe) ? 'descriptors:' : 'descriptors: []',
    ...ordered.flatMap((entry) => {
      const { endpoint, limit } = entry
      if (!canDescribe(entry))
        return [`  # Left out, as Envoy takes * for any end of a name: ${commentText(endpoint)}`]
      return [
        ...routeLines(entry),
        ...descriptor(entry, 'generic_key', 'minute', limit),
        ...longerWindows(entry).flatMap(({ limit, seconds }) => {
          const unit = WINDOW_UNITS[seconds]
          return unit === undefined ? [] : descriptor(entry, `per_${unit}`, unit, limit)
        }),
      ]
    }),
  ]
  return `${lines.join('\n')}\n`
}

const NOTES = [
  '# For envoyproxy/ratelimit. Each route of Envoy sends its endpoint:',
  '#   rate_limits: [{actions: [{generic_key: {descriptor_value: "GET /users/{id}"}}, {masked_remote_address: {v6_prefix_mask_len: 64}}]}]',
  '# without the address where the limit is for all callers together. The virtual host sends the limit over the whole',
  '# gateway. For an hourly or daily limit the endpoint is sent once more, with descriptor_key: per_hour or per_day in the generic_key.',
  '# A route matches the raw path without the query string; normalize_path and merge_slashes of the connection manager',
  '# change it before. Windows are fixed: there is no burst. Remove shadow_mode to enforce the limits.',
]

/** A value that ends with an asterisk is for every endpoint that begins like it and has no descriptor. */
function canDescribe(entry: RateLimitEntry): boolean {
  return !nameOf(entry).endsWith('*')
}

/** An asterisk at the end has a meaning of its own. */
function nameOf({ scope, endpoint }: RateLimitEntry): string {
  return scope === 'gateway-client' ? 'gateway' : endpoint
}

function routeLines(entry: RateLimitEntry): string[] {
  const { endpoint, method, path, scope, exceptions } = entry
  const users = exceptions.filter(({ kind, client }) => kind === 'user' || ipNetwork(client) === null)
  return [
    `  # ${commentText(endpoint)}`,
    ...leftOut(entry, 'Envoy', CAN).map((line) => `  # ${line}`),
    ...users.map(
      ({ client }) =>
        `  # Left out, as it is no address, and each limit is met by the address too: ${commentText(client)}`,
    ),
    ...(scope === 'gateway-client' || path === 'other'
      ? []
      : [`  # match: ${JSON.stringify(routeMatch(method, path))}`]),
  ]
}

/** The match of a route. Envoy compares the whole path with a regular expression. */
function routeMatch(method: string | null, path: string): object {
  const headers = [
    { name: ':method', string_match: { safe_regex: { regex: literalPattern(method ?? '', 'code-points') } } },
  ]
  const regex = pathPattern(path, 'code-points', 'raw')
  return { safe_regex: { regex }, ...(method !== null && { headers }) }
}

function descriptor(entry: RateLimitEntry, key: string, unit: string, limit: number): string[] {
  const rate = (indent: string, requests: number) => [
    `${indent}shadow_mode: true`,
    `${indent}rate_limit:`,
    `${indent}  unit: ${unit}`,
    `${indent}  requests_per_unit: ${requests}`,
  ]
  const named = [`  - key: ${key}`, `    value: ${yamlText(nameOf(entry))}`]
  if (entry.scope === 'endpoint') return [...named, ...rate('    ', limit)]
  const address = '      - key: masked_remote_address'
  const programs = key === 'generic_key' ? entry.exceptions : []
  return [
    ...named,
    '    descriptors:',
    address,
    ...rate('        ', limit),
    ...programs.flatMap(({ kind, client, limit: own }) => {
      const network = kind === 'address' ? ipNetwork(client) : null
      if (network === null) return []
      return [address, `        value: ${yamlText(masked(network))}`, ...rate('        ', own)]
    }),
  ]
}

/** As Envoy sends an address whose prefix is 32 bits of IPv4, or 64 of IPv6. */
function masked(network: string): string {
  if (network.includes('/')) return network
  return network.includes(':') ? `${network}/64` : `${network}/32`
}
