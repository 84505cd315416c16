import {
  commentText,
  headLines,
  type FileHead,
  type RateLimitEntry,
  type WindowLimit,
} from './limit-entry.js'
import { limitPlan } from './limit-plan.js'
import { yamlText } from './yaml-text.js'

/**
 * A list of limits in YAML for the AEGIS gateway: a pattern and a method for each, with the names that the gateway's
 * tables have. Null as method means all methods.
 */
export function aegisFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const { gateway, endpoints, other } = limitPlan(entries)
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For the AEGIS gateway. The first that matches counts. A null method means all methods; the burst includes the first request.',
    entries.length > 0 ? 'rate_limits:' : 'rate_limits: []',
    ...[...gateway, ...endpoints, ...(other ? [other] : [])].flatMap((entry) => limitLines(entry, head.tier)),
  ]
  return `${lines.join('\n')}\n`
}

function limitLines(entry: RateLimitEntry, tier: string): string[] {
  const { endpoint, method, path, scope, limit, burst, longWindow, dayWindow } = entry
  const { failures, distinctPaths, exceptions } = entry
  return [
    `  # ${commentText(endpoint)}`,
    `  - endpoint_pattern: ${yamlText(path)}`,
    `    method: ${method === null ? 'null' : yamlText(method)}`,
    `    tier: ${yamlText(tier)}`,
    `    scope: ${scope}`,
    `    requests_per_minute: ${limit}`,
    `    burst: ${burst}`,
    ...windowLine('long_window', longWindow),
    ...windowLine('day_window', dayWindow),
    ...windowLine('failures', failures),
    ...windowLine('distinct_paths', distinctPaths),
    ...(exceptions.length > 0 ? ['    exceptions:'] : []),
    ...exceptions.flatMap((own) => [
      `      - client: ${yamlText(own.client)}`,
      `        kind: ${own.kind}`,
      `        requests_per_minute: ${own.limit}`,
      `        burst: ${own.burst}`,
      `        reason: ${yamlText(own.reason)}`,
      `        review_at: ${yamlText(own.reviewAt)}`,
    ]),
  ]
}

function windowLine(name: string, window: WindowLimit | null): string[] {
  return window ? [`    ${name}: { limit: ${window.limit}, seconds: ${window.seconds} }`] : []
}
