import { commentText, headLines, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { yamlText } from './yaml-text.js'

/**
 * A list of limits in YAML for the AEGIS gateway: a pattern and a method for each, with the names that the gateway's
 * tables have. Null as method means all methods.
 */
export function aegisFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For the AEGIS gateway. A null method means all methods; the burst includes the first request.',
    entries.length > 0 ? 'rate_limits:' : 'rate_limits: []',
    ...entries.flatMap((entry) => limitLines(entry, head.tier)),
  ]
  return `${lines.join('\n')}\n`
}

function limitLines({ endpoint, method, path, scope, limit, burst }: RateLimitEntry, tier: string): string[] {
  return [
    `  # ${commentText(endpoint)}`,
    `  - endpoint_pattern: ${yamlText(path)}`,
    `    method: ${method === null ? 'null' : yamlText(method)}`,
    `    tier: ${yamlText(tier)}`,
    `    scope: ${scope}`,
    `    requests_per_minute: ${limit}`,
    `    burst: ${burst}`,
  ]
}
