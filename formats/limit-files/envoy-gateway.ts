import { ipNetwork, asNetwork } from './ip-network.js'
import {
  commentText,
  headLines,
  leftOut,
  type FileHead,
  type RateLimitEntry,
  longerWindows,
} from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { pathPattern } from './path-pattern.js'
import { yamlText } from './yaml-text.js'

const CAN = { longWindow: [3600, 86_400], failures: false, distinctPaths: false }
const UNITS: Readonly<Record<number, string>> = { 3600: 'Hour', 86400: 'Day' }
/** Rules of a policy, as its schema has it. */
const MAX_RULES = 64
/** The methods that the schema of the Gateway API knows. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])

/**
 * BackendTrafficPolicy of Envoy Gateway (v1.5 or later) with global limits: rules for the whole gateway first, then one
 * for each endpoint. A policy holds 64 rules, so there are as many policies as needed, each for a route of yours.
 */
export function envoyGatewayFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const { gateway, endpoints } = plan
  const rulesOfGateway = gateway.flatMap((entry) => ruleLines(entry, null))
  const size = Math.max(1, MAX_RULES - rulesOfGateway.length)
  const rules = endpoints.flatMap((entry) =>
    entry.method === null || METHODS.has(entry.method) ? ruleLines(entry, entry.path) : [],
  )
  const policies = Array.from({ length: Math.max(1, Math.ceil(rules.length / size)) }, (_, i) => [
    ...(i === 0 ? rulesOfGateway : []),
    ...rules.slice(i * size, (i + 1) * size),
  ])
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For Envoy Gateway with a rate limit service (Redis). Put your own HTTPRoute in: a route takes one policy, and a policy',
    '# 64 rules. Every rule that matches counts. Windows are fixed: there is no burst and no log-only mode.',
    '# Paths are matched as Envoy Gateway normalizes them: with merged slashes and without dot segments.',
    `# ${restInWords({ ...plan, other: null })}`,
    ...entries.flatMap((entry) => remarks(entry).map((line) => `# ${line}`)),
    ...policies.flatMap(policyLines),
  ]
  return `${lines.join('\n')}\n`
}

function remarks(entry: RateLimitEntry): string[] {
  const { method, endpoint, path, exceptions } = entry
  return [
    ...leftOut(entry, 'Envoy Gateway', CAN),
    ...(method === null || METHODS.has(method)
      ? []
      : [`Left out, as its method is unknown: ${commentText(endpoint)}`]),
    ...(path === 'other' ? ['Left out, as rules cannot exclude the endpoints of others: other'] : []),
    ...exceptions
      .filter(({ kind, client }) => kind === 'user' || ipNetwork(client) === null)
      .map(({ client }) => `Left out, as programs are known by address: ${commentText(client)}`),
    ...(exceptions.length > 0
      ? ['The limits of programs below hold where they are lower: every rule that matches counts.']
      : []),
  ]
}

function policyLines(rules: readonly string[], place: number): string[] {
  return [
    '---',
    'apiVersion: gateway.envoyproxy.io/v1alpha1',
    'kind: BackendTrafficPolicy',
    'metadata:',
    `  name: aegis-limits-${place + 1}`,
    'spec:',
    '  targetRefs:',
    '    - group: gateway.networking.k8s.io',
    '      kind: HTTPRoute',
    '      name: your-route',
    '  rateLimit:',
    '    type: Global',
    '    global:',
    rules.length > 0 ? '      rules:' : '      rules: []',
    ...rules,
  ]
}

/** Each rule is one text, so that rules can be counted. */
function ruleLines(entry: RateLimitEntry, path: string | null): string[] {
  const { endpoint, scope, limit, exceptions } = entry
  const everyone = scope === 'endpoint' ? null : { type: 'Distinct', value: '0.0.0.0/0' }
  return [
    rule(entry, path, everyone, limit, 'Minute', endpoint),
    ...longerWindows(entry).flatMap((window) => {
      const unit = UNITS[window.seconds]
      return unit === undefined ? [] : [rule(entry, path, everyone, window.limit, unit, endpoint)]
    }),
    ...exceptions.flatMap((own) => {
      const network = own.kind === 'address' ? ipNetwork(own.client) : null
      if (network === null) return []
      return [
        rule(entry, path, { type: 'Exact', value: asNetwork(network) }, own.limit, 'Minute', own.client),
      ]
    }),
  ]
}

function rule(
  { method }: RateLimitEntry,
  path: string | null,
  source: { type: string; value: string } | null,
  requests: number,
  unit: string,
  name: string,
): string {
  const selectors = [
    ...(path === null
      ? []
      : [
          `path: { type: RegularExpression, value: ${yamlText(`^${pathPattern(path, 'code-points', 'raw')}$`)} }`,
        ]),
    ...(method === null ? [] : [`methods: [{ value: ${method} }]`]),
    ...(source ? [`sourceCIDR: { type: ${source.type}, value: ${yamlText(source.value)} }`] : []),
  ]
  return [
    `        # ${commentText(name)}`,
    ...(selectors.length === 0
      ? [`        - limit: { requests: ${requests}, unit: ${unit} }`]
      : [
          '        - clientSelectors:',
          ...selectors.map((line, i) => `            ${i === 0 ? '-' : ' '} ${line}`),
          `          limit: { requests: ${requests}, unit: ${unit} }`,
        ]),
  ].join('\n')
}
