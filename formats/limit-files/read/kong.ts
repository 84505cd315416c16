import {
  expression,
  normalizedPath,
  UnreadableLimits,
  type AppliedLimit,
  type FileLimits,
  type SeenRequest,
} from './limits.js'
import { at, lineOf, type YamlNode } from './yaml-nodes.js'

const WINDOWS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}
const SETTINGS = new Set([
  ...Object.keys(WINDOWS),
  'limit_by',
  'policy',
  'fault_tolerant',
  'hide_client_headers',
  'error_code',
  'error_message',
])

interface Plugin {
  readonly name: string
  readonly limitBy: string
  readonly windows: readonly { readonly limit: number; readonly windowMs: number }[]
  readonly consumer: string | null
}

interface Route {
  readonly methods: readonly unknown[] | null
  readonly paths: readonly { readonly prefix: string; readonly pattern: RegExp | null }[]
  readonly priority: number
  readonly plugins: readonly Plugin[]
}

/** The plugin rate-limiting of a declarative configuration: of consumers, routes, services, or global. */
export function kongLimits(document: YamlNode): FileLimits {
  const global = pluginsOf(document, 'gateway')
  const services = at(document, 'services')?.items ?? []
  const consumers = (at(document, 'consumers')?.items ?? []).flatMap((consumer) =>
    pluginsOf(consumer, 'consumer', String(at(consumer, 'username')?.value ?? '')),
  )
  const routes = services.flatMap((service) => {
    const around = pluginsOf(service, `service ${String(at(service, 'name')?.value ?? '')}`)
    return (at(service, 'routes')?.items ?? []).map((route) => routeOf(route, around))
  })
  const loose = (at(document, 'routes')?.items ?? []).map((route) => routeOf(route, []))
  const all = [...routes, ...loose].sort(byPriority)
  const plugins = new Set([...global, ...consumers, ...all.flatMap((route) => route.plugins)])
  const disabled = disabledOf(document)
  return {
    gateway: 'kong',
    count: plugins.size,
    remarks: disabled > 0 ? [`${disabled} plugins are disabled: this is what they would reject.`] : [],
    limitsOf(request) {
      const path = normalizedPath(request.path)
      const route = all.find((each) => matches(each, path, request.method))
      const candidates = [...(route?.plugins ?? []), ...consumers, ...global]
      const own = candidates.find(({ consumer }) => consumer !== null && consumer === request.user)
      const plugin = own ?? candidates.find(({ consumer }) => consumer === null)
      return plugin ? applied(plugin, request) : []
    },
  }
}

function disabledOf(node: YamlNode): number {
  const isOff = at(node, 'name')?.value === 'rate-limiting' && at(node, 'enabled')?.value === false ? 1 : 0
  const inner = [...(node.items ?? []), ...(node.fields?.values() ?? [])]
  return inner.reduce((sum, each) => sum + disabledOf(each), isOff)
}

function routeOf(node: YamlNode, around: readonly Plugin[]): Route {
  const name = String(at(node, 'name')?.value ?? `line ${lineOf(node)}`)
  const paths = at(node, 'paths')?.items ?? []
  const own = pluginsOf(node, `route ${name}`)
  for (const field of ['headers', 'snis', 'expression']) {
    const found = at(node, field)
    if (found) throw new UnreadableLimits(lineOf(found), `${field} of a route cannot be told from a log`)
  }
  return {
    methods: at(node, 'methods')?.items?.map(({ value }) => value) ?? null,
    paths: paths.map((path) => {
      const text = String(path.value)
      return {
        prefix: text,
        pattern: text.startsWith('~') ? expression(`^(?:${text.slice(1)})`, lineOf(path)) : null,
      }
    }),
    priority: Number(at(node, 'regex_priority')?.value ?? 0),
    plugins: own.some(({ consumer }) => consumer === null) ? own : [...own, ...around],
  }
}

/** Patterns by their priority, then the longest prefix. */
function byPriority(a: Route, b: Route): number {
  const isPattern = ({ paths }: Route) => Number(paths.some(({ pattern }) => pattern !== null))
  const length = ({ paths }: Route) => Math.max(0, ...paths.map(({ prefix }) => prefix.length))
  return isPattern(b) - isPattern(a) || b.priority - a.priority || length(b) - length(a)
}

function matches({ methods, paths }: Route, path: string, method: string): boolean {
  if (methods !== null && !methods.includes(method)) return false
  return (
    paths.length === 0 ||
    paths.some(({ prefix, pattern }) => (pattern ? pattern.test(path) : path.startsWith(prefix)))
  )
}

function pluginsOf(node: YamlNode, name: string, consumer: string | null = null): Plugin[] {
  const plugins = at(node, 'plugins')?.items ?? []
  return plugins.flatMap((plugin) => {
    const kind = String(at(plugin, 'name')?.value)
    if (kind === 'rate-limiting-advanced' || kind === 'response-ratelimiting') {
      throw new UnreadableLimits(lineOf(plugin), `the plugin ${kind} is not understood; rate-limiting is`)
    }
    if (kind !== 'rate-limiting') return []
    for (const field of ['route', 'service']) {
      const found = at(plugin, field)
      if (found)
        throw new UnreadableLimits(
          lineOf(found),
          `${field} of a plugin is not understood: put the plugin into the ${field}`,
        )
    }
    const config = at(plugin, 'config')
    for (const [field, value] of config?.fields ?? []) {
      if (!SETTINGS.has(field) && !field.startsWith('redis') && field !== 'sync_rate') {
        throw new UnreadableLimits(lineOf(value), `${field} of rate-limiting is not understood`)
      }
    }
    const windows = Object.entries(WINDOWS).flatMap(([unit, windowMs]) => {
      const found = at(config, unit)
      if (found === undefined || found.value === null) return []
      const limit = Number(found.value)
      if (!Number.isSafeInteger(limit) || limit < 1)
        throw new UnreadableLimits(lineOf(found), `${unit} is a whole number from 1`)
      return [{ limit, windowMs }]
    })
    if (windows.length === 0)
      throw new UnreadableLimits(lineOf(plugin), 'rate-limiting has neither second, minute, hour nor day')
    const limitBy = String(at(config, 'limit_by')?.value ?? 'consumer')
    if (!['consumer', 'credential', 'ip', 'service'].includes(limitBy)) {
      throw new UnreadableLimits(
        lineOf(at(config, 'limit_by')!),
        `limit_by ${limitBy} cannot be told from a log`,
      )
    }
    const own = at(plugin, 'consumer')?.value
    return [{ name, limitBy, windows, consumer: typeof own === 'string' ? own : consumer }]
  })
}

function applied({ name, limitBy, windows }: Plugin, { user, address }: SeenRequest): AppliedLimit[] {
  const key = limitBy === 'service' ? 'all' : limitBy === 'ip' ? address : user || address
  if (key === '') return []
  return windows.map((window) => ({
    name: `${name}, ${window.limit} in ${window.windowMs / 1000} s`,
    key,
    counting: { kind: 'window', ...window },
  }))
}
