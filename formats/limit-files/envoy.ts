import { commentText, headLines, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { yamlText } from './yaml-text.js'

/**
 * A configuration of envoyproxy/ratelimit. Its descriptors know no patterns: the routes of Envoy name the endpoint in
 * a generic_key, and for limits of clients add the remote_address. shadow_mode counts and rejects nothing.
 */
export function envoyFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For envoyproxy/ratelimit. Each route of Envoy sends its endpoint:',
    '#   rate_limits: [{actions: [{generic_key: {descriptor_value: "GET /users/{id}"}}, {remote_address: {}}]}]',
    '# without remote_address where the limit is for all callers together. For an hourly limit it sends the endpoint a',
    '# second time, with descriptor_key: per_hour in the generic_key. Windows are fixed: there is no burst. Remove',
    '# shadow_mode to enforce the limits.',
    'domain: aegis_ml',
    entries.some(canDescribe) ? 'descriptors:' : 'descriptors: []',
    ...entries.flatMap((entry) => {
      const { endpoint, limit, longWindow } = entry
      if (!canDescribe(entry))
        return [`  # Left out, as Envoy takes * for any end of a name: ${commentText(endpoint)}`]
      return [
        ...descriptor(entry, 'generic_key', 'minute', limit),
        ...(longWindow?.seconds === 3600 ? descriptor(entry, 'per_hour', 'hour', longWindow.limit) : []),
      ]
    }),
  ]
  return `${lines.join('\n')}\n`
}

/** A value that ends with an asterisk is for every endpoint that begins like it and has no descriptor. */
function canDescribe({ endpoint }: RateLimitEntry): boolean {
  return !endpoint.endsWith('*')
}

function descriptor({ scope, endpoint }: RateLimitEntry, key: string, unit: string, limit: number): string[] {
  const rate = (indent: string) => [
    `${indent}shadow_mode: true`,
    `${indent}rate_limit:`,
    `${indent}  unit: ${unit}`,
    `${indent}  requests_per_unit: ${limit}`,
  ]
  const named = [`  # ${commentText(endpoint)}`, `  - key: ${key}`, `    value: ${yamlText(endpoint)}`]
  if (scope === 'endpoint') return [...named, ...rate('    ')]
  return [...named, '    descriptors:', '      - key: remote_address', ...rate('        ')]
}
