import type { RequestCosts } from '../../models/rate-limit/request-costs.js'
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
 * tables have. Null as method means all methods. A limit of costs has its weights, and another name than one of requests:
 * who does not know it must not take milliseconds for requests.
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
  const { costs = null, failures, distinctPaths, exceptions } = entry
  const perMinute = costs ? 'cost_per_minute' : 'requests_per_minute'
  return [
    `  # ${commentText(endpoint)}`,
    `  - endpoint_pattern: ${yamlText(path)}`,
    `    method: ${method === null ? 'null' : yamlText(method)}`,
    `    tier: ${yamlText(tier)}`,
    `    scope: ${scope}`,
    ...(costs ? ['    unit: latency_ms'] : []),
    `    ${perMinute}: ${limit}`,
    `    burst: ${burst}`,
    ...windowLine('long_window', longWindow),
    ...windowLine('day_window', dayWindow),
    ...windowLine('failures', failures),
    ...windowLine('distinct_paths', distinctPaths),
    ...(exceptions.length > 0 ? ['    exceptions:'] : []),
    ...exceptions.flatMap((own) => [
      `      - client: ${yamlText(own.client)}`,
      `        kind: ${own.kind}`,
      `        ${perMinute}: ${own.limit}`,
      `        burst: ${own.burst}`,
      `        reason: ${yamlText(own.reason)}`,
      `        review_at: ${yamlText(own.reviewAt)}`,
    ]),
    ...(costs ? weightLines(costs) : []),
  ]
}

function weightLines({ weights, defaultWeight }: RequestCosts): string[] {
  return [
    `    default_weight: ${defaultWeight}`,
    weights.size > 0 ? '    weights:' : '    weights: []',
    ...[...weights].map(
      ([path, weight]) => `      - { endpoint_pattern: ${yamlText(path)}, weight: ${weight} }`,
    ),
  ]
}

function windowLine(name: string, window: WindowLimit | null): string[] {
  return window ? [`    ${name}: { limit: ${window.limit}, seconds: ${window.seconds} }`] : []
}
