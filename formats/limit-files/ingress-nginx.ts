import {
  commentText,
  describe,
  headLines,
  leftOut,
  safeName,
  type FileHead,
  type RateLimitEntry,
} from './limit-entry.js'
import { limitPlan } from './limit-plan.js'
import { pathPattern } from './path-pattern.js'
import { yamlText } from './yaml-text.js'
import { ipNetwork } from './ip-network.js'

const CAN = { longWindow: false, failures: false, distinctPaths: false }

/**
 * An Ingress for each endpoint with the annotations of ingress-nginx: requests a minute of each address, and the burst
 * as a whole multiple of them. What annotations cannot express is named in comments; the format `nginx` can.
 */
export function ingressNginxFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const { gateway, endpoints, other } = limitPlan(entries)
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For ingress-nginx. Put your own host and service in. Annotations limit each address, for all methods, and have no',
    '# log-only mode. The burst is a whole multiple of the limit, so that it is higher than the recommended one.',
    '# Patterns ignore case, as ingress-nginx compares them; paths are decoded, with merged slashes.',
    '# The file of format=nginx has none of these restrictions: include it with http-snippet of the ConfigMap.',
    ...[...gateway, ...(other ? [other] : [])].map(
      (entry) =>
        `# Left out, as an Ingress cannot limit it: ${commentText(entry.endpoint)}, ${describe(entry)}.`,
    ),
    ...endpoints.flatMap(ingressLines),
  ]
  return `${lines.join('\n')}\n`
}

function ingressLines(entry: RateLimitEntry, place: number): string[] {
  const { endpoint, method, path, scope, limit, burst, exceptions } = entry
  const name = safeName(endpoint, place).replaceAll('_', '-')
  const pattern = pathPattern(path, 'bytes', 'decoded')
  if (method !== null || scope === 'endpoint' || !pattern.startsWith('/')) {
    return [`# Left out, as annotations cannot express it: ${commentText(endpoint)}, ${describe(entry)}.`]
  }
  const networks = exceptions.flatMap(({ kind, client }) =>
    kind === 'address' ? (ipNetwork(client) ?? []) : [],
  )
  return [
    ...leftOut(entry, 'ingress-nginx', CAN).map((line) => `# ${line}`),
    ...exceptions.map(
      (own) =>
        `# Not limited here, or left out when it is no address: ${commentText(own.client)} (${own.limit} a minute).`,
    ),
    '---',
    `# ${commentText(endpoint)}: ${describe(entry)}.`,
    'apiVersion: networking.k8s.io/v1',
    'kind: Ingress',
    'metadata:',
    `  name: ${name}`,
    '  annotations:',
    '    nginx.ingress.kubernetes.io/use-regex: "true"',
    `    nginx.ingress.kubernetes.io/limit-rpm: "${limit}"`,
    `    nginx.ingress.kubernetes.io/limit-burst-multiplier: "${Math.max(1, Math.ceil(burst / limit))}"`,
    ...(networks.length > 0
      ? [`    nginx.ingress.kubernetes.io/limit-whitelist: ${yamlText(networks.join(','))}`]
      : []),
    'spec:',
    '  ingressClassName: nginx',
    '  rules:',
    '    - http:',
    '        paths:',
    `          - path: ${yamlText(`${pattern}$`)}`,
    '            pathType: ImplementationSpecific',
    '            backend: { service: { name: your-service, port: { number: 80 } } }',
  ]
}
