import type { RateLimitException } from '../../models/rate-limit/exception.js'
import {
  commentText,
  headLines,
  leftOut,
  safeName,
  type FileHead,
  type RateLimitEntry,
  longerWindows,
  WINDOW_UNITS,
} from './limit-entry.js'
import { limitPlan, restInWords, type LimitPlan } from './limit-plan.js'
import { pathPattern } from './path-pattern.js'
import { yamlText } from './yaml-text.js'

const METHOD = /^[A-Z]+$/
const CAN = { longWindow: [3600, 86_400], failures: false, distinctPaths: false }

/**
 * A declarative configuration of Kong (format 3.0): a route with the plugin rate-limiting for each endpoint, a global
 * plugin for the whole gateway, and plugins of consumers for programs. Endpoints whose method or path Kong refuses, and
 * with it the whole file, are named in a comment.
 */
export function kongFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const { gateway, endpoints, other } = plan
  const routed = [...endpoints, ...(other ? [{ ...other, path: '/{any}' }] : [])]
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    ...notes(plan).map((line) => `# ${line}`),
    '_format_version: "3.0"',
    ...gatewayLines(gateway),
    ...consumerLines(entries),
    'services:',
    '  - name: aegis-limits',
    '    url: http://127.0.0.1:8080 # your upstream',
    routed.some(canRoute) ? '    routes:' : '    routes: []',
    ...routed.flatMap((entry, place) => routeLines(entry, place, routed.length - place)),
  ]
  return `${lines.join('\n')}\n`
}

function notes(plan: LimitPlan): string[] {
  return [
    'For `deck gateway sync` or `kong config db_import`. Put in your own service, or take over the plugins alone.',
    'Kong has no log-only mode: plugins are disabled. Windows are fixed: there is no burst.',
    'Paths are matched as Kong normalizes them (RFC 3986: unreserved characters are decoded, dot segments removed), with',
    'their case and last slash. Kong applies one rate-limiting plugin to a request, the most specific: on the routes below',
    'the limit over the whole gateway does not count.',
    restInWords(plan),
  ]
}

/** Methods are capitals, and paths begin with a slash: not so those of M-SEARCH, `OPTIONS *` and CONNECT. */
function canRoute({ method, path }: RateLimitEntry): boolean {
  return (method === null || METHOD.test(method)) && path.startsWith('/')
}

/** A path that is a regular expression; two slashes in a row are refused there too. */
function kongPath(path: string): string {
  if (path === '/{any}') return '~/.*$'
  const pattern = pathPattern(path, 'code-points', 'normalized')
  return `~${pattern.replace(/\/{2,}/g, (slashes) => `/{${slashes.length}}`)}$`
}

function gatewayLines(gateway: readonly RateLimitEntry[]): string[] {
  const [first, ...further] = gateway
  if (!first) return []
  return [
    'plugins:',
    ...remarks(first, '  '),
    ...further.map(({ endpoint }) => `  # Left out, as a plugin is global once: ${commentText(endpoint)}`),
    ...plugin('  ', first, 'ip'),
  ]
}

/** Programs are known as consumers: by the user that a plugin of Kong has authenticated. */
function consumerLines(entries: readonly RateLimitEntry[]): string[] {
  const users = new Map<string, RateLimitException | null>()
  for (const { scope, exceptions } of entries) {
    for (const own of exceptions.filter(({ kind }) => kind === 'user')) {
      users.set(own.client, scope === 'gateway-client' ? own : (users.get(own.client) ?? null))
    }
  }
  if (users.size === 0) return []
  return [
    'consumers:',
    ...[...users].flatMap(([name, own]) => [
      `  - username: ${yamlText(name)}`,
      ...(own ? ['    plugins:', ...plugin('      ', own, 'consumer')] : []),
    ]),
  ]
}

function routeLines(entry: RateLimitEntry, place: number, priority: number): string[] {
  const { endpoint, method, path, scope, exceptions } = entry
  if (!canRoute(entry)) return [`      # Left out, as Kong cannot express it: ${commentText(endpoint)}`]
  return [
    ...remarks(entry, '      '),
    `      # ${commentText(endpoint)}`,
    `      - name: ${safeName(endpoint, place)}`,
    ...(method === null ? [] : [`        methods: [${yamlText(method)}]`]),
    `        paths: [${yamlText(kongPath(path))}]`,
    `        regex_priority: ${priority} # the most specific first`,
    '        strip_path: false',
    '        plugins:',
    ...plugin('          ', entry, scope === 'client' ? 'ip' : 'service'),
    ...exceptions
      .filter(({ kind }) => kind === 'user')
      .flatMap((own) => plugin('          ', own, 'consumer', own.client)),
  ]
}

function remarks(entry: RateLimitEntry, indent: string): string[] {
  const addresses = entry.exceptions.filter(({ kind }) => kind === 'address')
  return [
    ...leftOut(entry, 'Kong', CAN),
    ...addresses.map(({ client }) => `Left out, as Kong knows programs as consumers: ${commentText(client)}`),
  ].map((line) => `${indent}# ${line}`)
}

type Rates = Pick<RateLimitEntry, 'limit'> & Partial<Pick<RateLimitEntry, 'longWindow' | 'dayWindow'>>

function plugin(
  indent: string,
  { limit, longWindow = null, dayWindow = null }: Rates,
  limitBy: string,
  consumer?: string,
): string[] {
  const longer = longerWindows({ longWindow, dayWindow }).flatMap((window) => {
    const unit = WINDOW_UNITS[window.seconds]
    return unit === undefined ? [] : [{ unit, limit: window.limit }]
  })
  return [
    '- name: rate-limiting',
    '  enabled: false # true enforces the limit',
    ...(consumer === undefined ? [] : [`  consumer: ${yamlText(consumer)}`]),
    '  config:',
    // A limit above that of a longer window is refused.
    `    minute: ${Math.min(limit, ...longer.map((window) => window.limit))}`,
    ...longer.map((window, i) => {
      return `    ${window.unit}: ${Math.min(window.limit, ...longer.slice(i + 1).map((next) => next.limit))}`
    }),
    `    limit_by: ${limitBy}`,
    '    policy: local',
  ].map((line) => indent + line)
}
