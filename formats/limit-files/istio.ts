import { ipNetwork } from './ip-network.js'
import { commentText, headLines, leftOut, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { literalPattern, pathPattern } from './path-pattern.js'
import { yamlText } from './yaml-text.js'

const CAN = { longWindow: false, failures: false, distinctPaths: false }
/** The shortest that Envoy fills a bucket in, in milliseconds. */
const MIN_FILL_MS = 50

/**
 * An EnvoyFilter of Istio with local rate limits: a token bucket for each endpoint, and for each client with its address
 * as a descriptor without a value (Envoy 1.34 or later). filter_enforced at 0 counts and rejects nothing.
 */
export function istioFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const all = [...plan.gateway, ...plan.endpoints]
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For Istio. Each proxy counts by itself. Paths are matched as Istio normalizes them (pathNormalization of the mesh),',
    '# with their case and last slash; the pattern ends before a query string.',
    '# filter_enforced 0: requests over a limit only count in the statistics. Set it to 100 to enforce the limits.',
    `# ${restInWords({ ...plan, other: null })}`,
    ...entries.flatMap((entry) => remarks(entry).map((line) => `# ${line}`)),
    ...FILTER,
    all.length > 0 ? '            rate_limits:' : '            rate_limits: []',
    ...all.flatMap(actionLines),
    all.length > 0 ? '            descriptors:' : '            descriptors: []',
    ...all.flatMap(descriptorLines),
  ]
  return `${lines.join('\n')}\n`
}

function remarks(entry: RateLimitEntry): string[] {
  return [
    ...leftOut(entry, 'Istio', CAN),
    ...(entry.path === 'other'
      ? ['Left out, as descriptors cannot exclude the endpoints of others: other']
      : []),
    ...entry.exceptions
      .filter(({ kind, client }) => kind === 'user' || ipNetwork(client) === null)
      .map(({ client }) => `Left out, as programs are known by address: ${commentText(client)}`),
  ]
}

const FILTER = [
  'apiVersion: networking.istio.io/v1alpha3',
  'kind: EnvoyFilter',
  'metadata:',
  '  name: aegis-limits',
  '  namespace: istio-system',
  'spec:',
  '  workloadSelector:',
  '    labels:',
  '      istio: ingressgateway',
  '  configPatches:',
  '    - applyTo: HTTP_FILTER',
  '      match:',
  '        context: GATEWAY',
  '        listener:',
  '          filterChain:',
  '            filter:',
  '              name: envoy.filters.network.http_connection_manager',
  '      patch:',
  '        operation: INSERT_BEFORE',
  '        value:',
  '          name: envoy.filters.http.local_ratelimit',
  '          typed_config:',
  "            '@type': type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
  '            stat_prefix: aegis_limits',
  '            filter_enabled: { default_value: { numerator: 100, denominator: HUNDRED } }',
  '            filter_enforced: { default_value: { numerator: 0, denominator: HUNDRED } }',
  '            max_dynamic_descriptors: 100000',
]

function actionLines(entry: RateLimitEntry): string[] {
  const { endpoint, method, path, scope } = entry
  const headers = [
    ...(method === null ? [] : [matcher(':method', literalPattern(method, 'code-points'))]),
    ...(scope === 'gateway-client'
      ? [matcher(':path', '.*')]
      : [matcher(':path', `${pathPattern(path, 'code-points', 'normalized')}(?:\\?.*)?`)]),
  ]
  return [
    `              # ${commentText(endpoint)}`,
    '              - actions:',
    '                  - header_value_match:',
    `                      descriptor_value: ${yamlText(endpoint)}`,
    '                      headers:',
    ...headers,
    ...(scope === 'endpoint'
      ? []
      : ['                  - masked_remote_address: { v6_prefix_mask_len: 64 }']),
  ]
}

function matcher(name: string, regex: string): string {
  return `                        - { name: ${yamlText(name)}, string_match: { safe_regex: { regex: ${yamlText(regex)} } } }`
}

function descriptorLines(entry: RateLimitEntry): string[] {
  const { endpoint, scope, exceptions } = entry
  const named = [`{ key: header_match, value: ${yamlText(endpoint)} }`]
  if (scope === 'endpoint') return descriptor(named, entry)
  return [
    ...exceptions.flatMap((own) => {
      const network = own.kind === 'address' ? ipNetwork(own.client) : null
      if (network === null) return []
      const value = network.includes('/') ? network : `${network}/${network.includes(':') ? 64 : 32}`
      return descriptor([...named, `{ key: masked_remote_address, value: ${yamlText(value)} }`], own)
    }),
    ...descriptor([...named, '{ key: masked_remote_address }'], entry),
  ]
}

function descriptor(keys: readonly string[], { limit, burst }: { limit: number; burst: number }): string[] {
  const tokens = Math.max(1, Math.ceil((limit * MIN_FILL_MS) / 60_000))
  const seconds = Number(((60 * tokens) / limit).toFixed(6))
  return [
    `              - entries: [${keys.join(', ')}]`,
    `                token_bucket: { max_tokens: ${burst}, tokens_per_fill: ${tokens}, fill_interval: ${seconds}s }`,
  ]
}
