import type { RateLimitException } from '../../models/rate-limit/exception.js'
import { EXPRESS_RUNTIME } from './express/runtime.js'
import { escapedUnit } from './escaped-unit.js'
import { commentText, describe, headLines, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { pathPattern } from './path-pattern.js'

/**
 * An ES module with a middleware for Express and no dependency. It counts with the token bucket that the backtest
 * replays, in bounded memory. Express routes `/API/items/` to `/api/items`: so do the limits, unless the path is
 * listed as it is.
 */
export function expressFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const { gateway, endpoints, other } = plan
  const lines = [
    ...headLines(head).map((line) => `// ${line}`),
    '//',
    "//   import { limitRequests } from './limits.mjs'",
    '//   app.use(limitRequests())                  // requests over a limit are only logged',
    '//   app.use(limitRequests({ enforce: true })) // they are answered with 429',
    '//',
    '// Options: userOf(request) returns the id of a verified user, or undefined: then the address counts (request.ip,',
    '// so set "trust proxy" behind one). onLimited(request, endpoint) is told of requests over a limit.',
    '// Paths are matched as they come, encoded, without the query string: those listed with their very case and last',
    '// slash first, then as Express routes, which ignores both. Each process counts by itself.',
    `// ${restInWords(plan)}`,
    '',
    'const all = /^/',
    'export const limits = [',
    ...gateway.flatMap((entry) => optionLines(entry, 'all')),
    ...endpoints.flatMap((entry) => optionLines(entry, null)),
    ...(other ? optionLines(other, 'all') : []),
    ']',
    '',
    EXPRESS_RUNTIME.trim(),
  ]
  return `${lines.join('\n')}\n`
}

function optionLines(entry: RateLimitEntry, pattern: string | null): string[] {
  const { endpoint, method, path, scope, limit, burst, longWindow, dayWindow } = entry
  const { exceptions, failures, distinctPaths } = entry
  const source = pathPattern(path, 'units', 'raw')
  const window = (of: { limit: number; seconds: number } | null) =>
    of ? `{ limit: ${of.limit}, seconds: ${of.seconds} }` : 'null'
  return [
    `  // ${commentText(endpoint)}: ${describe(entry)}.`,
    '  {',
    `    endpoint: ${quoted(endpoint)},`,
    `    method: ${method === null ? 'null' : quoted(method)},`,
    `    path: ${pattern ?? `/^(?:${source})$/`},`,
    `    routed: ${pattern ?? `/^(?:${routedSource(source)})$/i`},`,
    `    scope: '${scope}',`,
    `    limit: ${limit},`,
    `    burst: ${burst},`,
    `    longWindow: ${window(longWindow)},`,
    `    dayWindow: ${window(dayWindow)},`,
    `    failures: ${window(failures)},`,
    `    distinctPaths: ${window(distinctPaths)},`,
    `    exceptions: [${exceptions.map(exceptionText).join(', ')}],`,
    '  },',
  ]
}

/** With or without a last slash, as Express routes when it is not strict. */
function routedSource(source: string): string {
  return `${source.replace(/(?:\\\/)+$/, '')}\\/?`
}

function exceptionText({ client, kind, limit, burst }: RateLimitException): string {
  return `{ client: ${quoted(client)}, kind: '${kind}', limit: ${limit}, burst: ${burst} }`
}

function quoted(text: string): string {
  return `'${text.replace(/[^A-Za-z0-9 .:/{}_-]/g, escapedUnit)}'`
}
