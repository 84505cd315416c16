import { labelOf, routePaths, takesRoute } from './kong-routes.js'
import { pluginsOf, precedence, type Plugin } from './kong-plugins.js'
import {
  kongPath,
  type AppliedLimit,
  type FileLimits,
  type ReadingContext,
  type SeenRequest,
} from './limits.js'
import { at, type YamlNode } from './yaml-nodes.js'

/**
 * The plugin rate-limiting of a declarative configuration: of consumers, routes, services, or global. Of all plugins that fit
 * a request, the one of the narrowest scope counts.
 */
export function kongLimits(document: YamlNode, { server }: ReadingContext = {}): FileLimits {
  const routes = routePaths(document, server)
  const plugins = allPlugins(document)
  const disabled = disabledOf(document)
  const groups = (at(document, 'consumer_groups')?.items ?? []).flatMap((each) => pluginsOf(each))
  return {
    gateway: 'kong',
    count: plugins.length,
    remarks: [
      ...(disabled > 0 ? [`${disabled} plugins are disabled: this is what they would reject.`] : []),
      ...(groups.length > 0
        ? ['Limits of consumer groups are not replayed: a log does not tell the group.']
        : []),
      'Windows are those of the clock of one node (policy local).',
    ],
    limitsOf(request) {
      const path = kongPath(request.path)
      const taken = routes.find((each) => takesRoute(each, path, request.method))
      // Without a route, Kong answers 404 before any plugin of a route runs; global plugins do run.
      const fits = ({ consumer, route, service }: Plugin) =>
        (consumer === null || consumer === request.user) &&
        (route === null || route === taken?.route) &&
        (service === null || (taken !== undefined && service === taken.service))
      const plugin = plugins.find(fits)
      return plugin ? applied(plugin, request, taken?.service ?? '') : []
    },
  }
}

/** Narrowest scope first. */
function allPlugins(document: YamlNode): Plugin[] {
  const inside = (field: string) => at(document, field)?.items ?? []
  const plugins = [
    ...pluginsOf(document),
    ...inside('consumers').flatMap((consumer) => pluginsOf(consumer, { consumer: labelOf(consumer) })),
    ...inside('services').flatMap((service) => [
      ...pluginsOf(service, { service: labelOf(service) }),
      ...(at(service, 'routes')?.items ?? []).flatMap((route) => pluginsOf(route, { route: labelOf(route) })),
    ]),
    ...inside('routes').flatMap((route) => pluginsOf(route, { route: labelOf(route) })),
  ]
  return plugins.sort((a, b) => precedence(b) - precedence(a))
}

function disabledOf(node: YamlNode): number {
  const isOff = at(node, 'name')?.value === 'rate-limiting' && at(node, 'enabled')?.value === false ? 1 : 0
  const inner = [...(node.items ?? []), ...(node.fields?.values() ?? [])]
  return inner.reduce((sum, each) => sum + disabledOf(each), isOff)
}

/** What has no consumer, no credential or another path counts by its address. */
function applied(
  { name, limitBy, windows, path: own }: Plugin,
  { user, address, path }: SeenRequest,
  service: string,
): AppliedLimit[] {
  const counted: Readonly<Record<string, string>> = {
    ...{ ip: address, service: service || address, path: path === own ? path : address },
  }
  const key = counted[limitBy] ?? (user || address)
  if (key === '') return []
  return windows.map((window) => ({
    name: `${name}, ${window.limit} in ${window.windowMs / 1000} s`,
    key,
    counting: { kind: 'window', ...window },
  }))
}
