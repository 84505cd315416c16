import { UnreadableLimits } from './limits.js'
import { at, lineOf, type YamlNode } from './yaml-nodes.js'

const WINDOWS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}
const SETTINGS =
  /^(?:second|minute|hour|day|limit_by|policy|fault_tolerant|hide_client_headers|error_code|error_message|path|header_name|redis.*|sync_rate)$/
const LIMIT_BY = ['consumer', 'credential', 'ip', 'service', 'path']

/** To what a plugin belongs; null: to all. */
export interface Scope {
  readonly consumer: string | null
  readonly route: string | null
  readonly service: string | null
}

/** A plugin rate-limiting. */
export interface Plugin extends Scope {
  readonly name: string
  readonly limitBy: string
  /** Of `limit_by: path`: requests of other paths count by address. */
  readonly path: string | null
  readonly windows: readonly { readonly limit: number; readonly windowMs: number }[]
}

const EVERYWHERE: Scope = { consumer: null, route: null, service: null }

/** The plugins of an object and within; a plugin may name an object that it belongs to. */
export function pluginsOf(node: YamlNode, around: Partial<Scope> = {}): Plugin[] {
  return (at(node, 'plugins')?.items ?? []).flatMap((plugin) => {
    const kind = String(at(plugin, 'name')?.value)
    if (kind === 'rate-limiting-advanced' || kind === 'response-ratelimiting') {
      throw new UnreadableLimits(lineOf(plugin), `the plugin ${kind} is not understood; rate-limiting is`)
    }
    if (kind !== 'rate-limiting') return []
    for (const field of ['consumer_group', 'condition', 'ordering']) {
      const found = at(plugin, field)
      if (found && found.value !== null)
        throw new UnreadableLimits(lineOf(found), `${field} of a plugin is not understood`)
    }
    const scope = { ...EVERYWHERE, ...around, ...namedScope(plugin) }
    return [pluginOf(plugin, scope)]
  })
}

function namedScope(plugin: YamlNode): Partial<Scope> {
  const named = (['consumer', 'route', 'service'] as const).flatMap((field) => {
    const node = at(plugin, field)
    const name =
      node?.value ?? at(node, 'name')?.value ?? at(node, 'username')?.value ?? at(node, 'id')?.value
    return typeof name === 'string' ? [[field, name]] : []
  })
  return Object.fromEntries(named) as Partial<Scope>
}

function pluginOf(plugin: YamlNode, scope: Scope): Plugin {
  const config = at(plugin, 'config')
  for (const [field, value] of config?.fields ?? []) {
    if (!SETTINGS.test(field) && value.value !== null)
      throw new UnreadableLimits(lineOf(value), `${field} of rate-limiting is not understood`)
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
  if (!LIMIT_BY.includes(limitBy)) {
    throw new UnreadableLimits(
      lineOf(at(config, 'limit_by')!),
      `limit_by ${limitBy} cannot be told from a log`,
    )
  }
  const path = at(config, 'path')?.value
  return { ...scope, name: nameOf(scope), limitBy, windows, path: typeof path === 'string' ? path : null }
}

function nameOf(scope: Scope): string {
  const parts = (['consumer', 'route', 'service'] as const).flatMap((field) =>
    scope[field] === null ? [] : [`${field} ${scope[field]}`],
  )
  return parts.length > 0 ? parts.join(', ') : 'gateway'
}

/** Kong runs the plugin of the narrowest scope, and no other of its name. */
export function precedence({ consumer, route, service }: Scope): number {
  return (consumer === null ? 0 : 4) + (route === null ? 0 : 2) + (service === null ? 0 : 1)
}
