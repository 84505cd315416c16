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
const METHODS = new Set('GET POST PUT DELETE PATCH HEAD OPTIONS CONNECT TRACE PURGE'.split(' '))

interface Rate {
  readonly limit: number
  readonly burst: number
}

/**
 * apisix.yaml for the standalone mode of APISIX: a route for each endpoint, whose variable `uri` is compared with a
 * regular expression, with the plugin limit-req, the leaky bucket of NGINX; a global rule for the whole gateway.
 */
export function apisixFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const { gateway, endpoints, other } = plan
  const routed = [...endpoints, ...(other ? [other] : [])]
  const [first, ...further] = gateway
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For APISIX in standalone mode; the last line has to stay. Put your own upstream in. There is no log-only mode:',
    '# plugins are disabled. Set disable to false to enforce the limits.',
    '# Paths are matched as APISIX has them in uri: decoded, with merged slashes and without dot segments, with their case',
    '# and last slash.',
    `# ${restInWords(plan)}`,
    ...entries.flatMap((entry) => remarks(entry, entry === first).map((line) => `# ${line}`)),
    ...further.map(({ endpoint }) => `# Left out, as a plugin is global once: ${commentText(endpoint)}`),
    ...(first
      ? ['global_rules:', '  - id: aegis-gateway', '    plugins:', ...plugin('      ', first, true)]
      : []),
    routed.length > 0 ? 'routes:' : 'routes: []',
    ...routed.flatMap((entry, place) => routesOf(entry, place, routed.length - place)),
    '#END',
  ]
  return `${lines.join('\n')}\n`
}

function remarks(entry: RateLimitEntry, isGlobal: boolean): string[] {
  const { method, endpoint, exceptions } = entry
  return [
    ...leftOut(entry, 'limit-req', CAN),
    ...(method === null || METHODS.has(method)
      ? []
      : [`Left out, as its method is unknown: ${commentText(endpoint)}`]),
    ...exceptions
      .filter(({ kind, client }) => isGlobal || kind === 'user' || ipNetwork(client) === null)
      .map(
        ({ client }) =>
          `Left out, as ${isGlobal ? 'a global rule has no' : 'routes know only addresses of'} programs: ${commentText(client)}`,
      ),
  ]
}

function routesOf(entry: RateLimitEntry, place: number, priority: number): string[] {
  const { endpoint, method, path, scope } = entry
  if (method !== null && !METHODS.has(method)) return []
  const isRest = path === 'other'
  const match = isRest ? null : ['uri', '~~', `^${pathPattern(path, 'bytes', 'decoded')}\\z`]
  const name = safeName(endpoint, place)
  const programs = entry.exceptions.flatMap((own) => {
    const network = own.kind === 'address' ? ipNetwork(own.client) : null
    return network === null ? [] : [{ network, own }]
  })
  const route = (id: string, vars: readonly unknown[], rank: number, rate: Rate, ofClients: boolean) => [
    `  # ${commentText(endpoint)}`,
    `  - id: ${id}`,
    '    uri: /*',
    ...(method === null ? [] : [`    methods: [${method}]`]),
    ...(vars.length > 0 ? [`    vars: [${vars.map(yamlList).join(', ')}]`] : []),
    `    priority: ${rank} # the most specific first`,
    '    plugins:',
    ...plugin('      ', rate, ofClients),
    '    upstream: { type: roundrobin, nodes: { "127.0.0.1:8080": 1 } } # your upstream',
  ]
  const vars = match ? [match] : []
  return [
    ...programs.flatMap(({ network, own }, i) =>
      route(
        `${name}_program_${i + 1}`,
        [...vars, ['remote_addr', 'ipmatch', [network]]],
        2 * priority + 1,
        own,
        false,
      ),
    ),
    ...route(name, vars, 2 * priority, entry, scope !== 'endpoint'),
  ]
}

const yamlList = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map(yamlList).join(', ')}]` : yamlText(String(value))

/** The burst of limit-req does not count the request at hand. */
function plugin(indent: string, { limit, burst }: Rate, ofClients: boolean): string[] {
  return [
    'limit-req:',
    '  _meta: { disable: true }',
    `  rate: ${Number((limit / 60).toFixed(6))} # a second`,
    `  burst: ${burst - 1}`,
    '  nodelay: true',
    '  rejected_code: 429',
    ...(ofClients ? ['  key_type: var', '  key: remote_addr'] : ['  key_type: constant', '  key: all']),
  ].map((line) => indent + line)
}
