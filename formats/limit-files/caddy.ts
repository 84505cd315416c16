import { ipNetwork } from './ip-network.js'
import {
  commentText,
  headLines,
  leftOut,
  type FileHead,
  type RateLimitEntry,
  longerWindows,
} from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { isTemplate, literalPattern, pathPattern } from './path-pattern.js'

const CAN = { longWindow: true, failures: false, distinctPaths: false }

/**
 * A snippet for Caddy with the module rate_limit (github.com/mholt/caddy-ratelimit): a zone for each limit, over sliding
 * windows. Every zone that matches counts; the zone of the rest matches what no other does.
 */
export function caddyFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const { gateway, endpoints, other } = plan
  const paths = endpoints.map(({ path }) => pathPattern(path, 'code-points', 'decoded'))
  const before = moreSpecific(endpoints)
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For Caddy with the module rate_limit: import this file, then `import aegis_limits` in a site. The module has no',
    '# log-only mode. Windows are sliding: there is no burst. Paths are matched decoded, with their case and last slash.',
    `# ${restInWords(plan)}`,
    ...entries.flatMap((entry) =>
      [...leftOut(entry, 'Caddy', CAN), ...users(entry)].map((line) => `# ${line}`),
    ),
    '(aegis_limits) {',
    '\trate_limit {',
    ...gateway.flatMap((entry, i) => zones(entry, `aegis_gateway_${i + 1}`, [])),
    ...endpoints.flatMap((entry, i) =>
      zones(entry, `aegis_${i + 1}`, [
        `path_regexp ^${paths[i]}$`,
        ...methodOf(entry),
        ...before(entry, i).flatMap((j) => exclusion(entry, endpoints[j]!, paths[j]!)),
      ]),
    ),
    ...(other
      ? zones(
          other,
          'aegis_other',
          paths.map((path) => `not path_regexp ^${path}$`),
        )
      : []),
    '\t}',
    '}',
  ]
  return `${lines.join('\n')}\n`
}

/** Of an endpoint: the places of those before it that may match the same requests. Every zone that matches would count. */
function moreSpecific(
  endpoints: readonly RateLimitEntry[],
): (entry: RateLimitEntry, place: number) => number[] {
  const byLength = new Map<number, { place: number; entry: RateLimitEntry; segments: string[] }[]>()
  endpoints.forEach((entry, place) => {
    const segments = entry.path.split('/')
    const same = byLength.get(segments.length) ?? []
    same.push({ place, entry, segments })
    byLength.set(segments.length, same)
  })
  return ({ method, path }, end) => {
    const own = path.split('/')
    return (byLength.get(own.length) ?? []).flatMap(({ place, entry, segments }) => {
      if (place >= end || (method !== null && entry.method !== null && method !== entry.method)) return []
      const overlaps = segments.every(
        (segment, i) => segment === own[i] || isTemplate(segment) || isTemplate(own[i]!),
      )
      return overlaps ? [place] : []
    })
  }
}

function exclusion({ method }: RateLimitEntry, other: RateLimitEntry, path: string): string[] {
  const pattern = `path_regexp ^${path}$`
  if (other.method === null || other.method === method) return [`not ${pattern}`]
  return ['not {', `\t${pattern}`, ...methodOf(other).map((line) => `\t${line}`), '}']
}

function users({ exceptions }: RateLimitEntry): string[] {
  return exceptions
    .filter(({ kind, client }) => kind === 'user' || ipNetwork(client) === null)
    .map(({ client }) => `Left out, as Caddy knows programs by address: ${commentText(client)}`)
}

/** A method is a token: literalPattern leaves it as it is, or makes it one that no request has. */
function methodOf({ method }: RateLimitEntry): string[] {
  return method === null ? [] : [`method ${literalPattern(method, 'code-points')}`]
}

function zones(entry: RateLimitEntry, name: string, matchers: readonly string[]): string[] {
  const { endpoint, scope, limit, exceptions } = entry
  const key = scope === 'endpoint' ? 'all' : '{client_ip}'
  const programs = exceptions.flatMap((own) => {
    const network = own.kind === 'address' ? ipNetwork(own.client) : null
    return network === null ? [] : [{ network, limit: own.limit }]
  })
  const others =
    programs.length > 0 ? [`not client_ip ${programs.map(({ network }) => network).join(' ')}`] : []
  return [
    `\t\t# ${commentText(endpoint)}`,
    ...zone(name, [...matchers, ...others], key, limit, 60),
    ...longerWindows(entry).flatMap((window) =>
      zone(`${name}_${window.seconds}_s`, [...matchers, ...others], key, window.limit, window.seconds),
    ),
    ...programs.flatMap((own, i) =>
      zone(`${name}_program_${i + 1}`, [...matchers, `client_ip ${own.network}`], 'program', own.limit, 60),
    ),
  ]
}

function zone(
  name: string,
  matchers: readonly string[],
  key: string,
  events: number,
  seconds: number,
): string[] {
  return [
    `\t\tzone ${name} {`,
    ...(matchers.length > 0
      ? ['\t\t\tmatch {', ...matchers.map((line) => `\t\t\t\t${braced(line)}`), '\t\t\t}']
      : []),
    `\t\t\tkey ${key}`,
    `\t\t\tevents ${events}`,
    `\t\t\twindow ${seconds}s`,
    '\t\t}',
  ]
}

/** A pattern between backticks: there Caddy takes every character as it is. */
function braced(matcher: string): string {
  const [, before, pattern] = /^(\t?(?:not )?path_regexp )(.*)$/s.exec(matcher) ?? []
  return pattern === undefined ? matcher : `${before}\`${pattern}\``
}
