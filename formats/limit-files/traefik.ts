import { ipNetwork } from './ip-network.js'
import {
  commentText,
  headLines,
  leftOut,
  safeName,
  type FileHead,
  type RateLimitEntry,
} from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { pathPattern } from './path-pattern.js'
import { yamlText } from './yaml-text.js'

const CAN = { longWindow: false, failures: false, distinctPaths: false }

interface Router {
  readonly name: string
  readonly rule: string
  readonly middlewares: readonly string[]
}

/**
 * A dynamic configuration of Traefik (v3, file provider): a router for each endpoint, with its middleware rateLimit, a
 * token bucket as the backtest replays it. Programs have routers of their own before. Traefik has no log-only mode.
 */
export function traefikFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const { gateway, endpoints, other } = limitPlan(entries)
  const all = [...gateway, ...endpoints, ...(other ? [other] : [])]
  const names = new Map(all.map((entry, place) => [entry, safeName(entry.endpoint, place)]))
  const rest = gateway.length > 0 || other ? [other ?? gateway[0]!] : []
  const routers = [...endpoints, ...rest].flatMap((entry) => routersOf(entry, gateway, names))
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For the file provider of Traefik v3. Put your own service in. Traefik has no log-only mode: try the file on a copy.',
    '# Paths are matched with their case and last slash, without the query string. Traefik counts for each router by',
    '# itself: the limit over the whole gateway holds for each endpoint alone.',
    `# ${restInWords({ gateway, endpoints, other })}`,
    ...all.flatMap((entry) =>
      [...leftOut(entry, 'Traefik', CAN), ...users(entry)].map((line) => `# ${line}`),
    ),
    'http:',
    all.length > 0 ? '  middlewares:' : '  middlewares: {}',
    ...all.flatMap((entry) => [
      ...middleware(names.get(entry)!, entry, entry.scope !== 'endpoint'),
      ...programs(entry).flatMap((own, i) => middleware(`${names.get(entry)}_program_${i + 1}`, own, true)),
    ]),
    routers.length > 0 ? '  routers:' : '  routers: {}',
    ...routers.flatMap((router, i) => routerLines(router, routers.length - i)),
    '  services:',
    '    aegis_upstream:',
    '      loadBalancer:',
    '        servers:',
    '          - url: http://127.0.0.1:8080 # your upstream',
  ]
  return `${lines.join('\n')}\n`
}

/** Known by address: Traefik's rules know no users. */
const programs = ({ exceptions }: RateLimitEntry) =>
  exceptions.filter(({ kind, client }) => kind === 'address' && ipNetwork(client) !== null)

function users(entry: RateLimitEntry): string[] {
  const known = programs(entry)
  return entry.exceptions
    .filter((own) => !known.includes(own))
    .map(({ client }) => `Left out, as Traefik knows programs by address: ${commentText(client)}`)
}

function routersOf(
  entry: RateLimitEntry,
  gateway: readonly RateLimitEntry[],
  names: ReadonlyMap<RateLimitEntry, string>,
): Router[] {
  const isGateway = gateway.includes(entry)
  const limits = isGateway ? gateway : [...gateway, entry]
  const { method, path } = entry
  const isRest = isGateway || path === 'other'
  const matches = [
    isRest ? 'PathPrefix(`/`)' : `PathRegexp(\`^${pathPattern(path, 'code-points', 'raw')}$\`)`,
    ...(method === null ? [] : [`Method(\`${method.replace(/[^A-Za-z-]/g, '')}\`)`]),
  ]
  const clients = [...new Set(limits.flatMap((limit) => programs(limit).map(({ client }) => client)))]
  const nameFor = (limit: RateLimitEntry, client: string) => {
    const place = programs(limit).findIndex((own) => own.client === client)
    return place < 0 ? names.get(limit)! : `${names.get(limit)}_program_${place + 1}`
  }
  const name = names.get(entry)!
  return [
    ...clients.map((client, i) => ({
      name: `${name}_client_${i + 1}`,
      rule: [...matches, `ClientIP(\`${ipNetwork(client)}\`)`].join(' && '),
      middlewares: limits.map((limit) => nameFor(limit, client)),
    })),
    { name, rule: matches.join(' && '), middlewares: limits.map((limit) => names.get(limit)!) },
  ]
}

function middleware(
  name: string,
  { limit, burst }: { limit: number; burst: number },
  ofClients: boolean,
): string[] {
  return [
    `    ${name}:`,
    '      rateLimit:',
    `        average: ${limit}`,
    '        period: 1m',
    `        burst: ${burst}`,
    '        sourceCriterion:',
    ...(ofClients
      ? ['          ipStrategy:', '            ipv6Subnet: 64']
      : [`          requestHost: true # all callers together`]),
  ]
}

function routerLines({ name, rule, middlewares }: Router, priority: number): string[] {
  return [
    `    ${name}:`,
    `      rule: ${yamlText(rule)}`,
    `      priority: ${priority} # the most specific first`,
    `      middlewares: [${middlewares.join(', ')}]`,
    '      service: aegis_upstream',
  ]
}
