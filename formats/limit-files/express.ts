import { escapedUnit } from './escaped-unit.js'
import { commentText, headLines, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { placeholders } from './path-pattern.js'

/**
 * An ES module with a middleware for Express that applies express-rate-limit (version 7 and later). A request counts
 * once, for its own endpoint: paths without a placeholder stand before those with one, and the first that matches
 * is taken.
 */
export function expressFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const ordered = entries.toSorted((a, b) => placeholders(a.path) - placeholders(b.path))
  const lines = [
    ...headLines(head).map((line) => `// ${line}`),
    '//',
    "//   import { rateLimit } from 'express-rate-limit'",
    "//   import { limitRequests } from './limits.mjs'",
    '//   app.use(limitRequests(rateLimit))',
    '//',
    '// Requests over a limit are only logged: leave out the handler to enforce the limits. Windows are fixed: there',
    '// is no burst.',
    '',
    'const handler = (request, _response, next, options) => {',
    '  console.warn(`${request.method} ${request.path}: over the limit of ${options.limit}`)',
    '  next()',
    '}',
    "const common = { standardHeaders: 'draft-8', legacyHeaders: false, handler }",
    '',
    'export const limits = [',
    ...ordered.flatMap(optionLines),
    ']',
    '',
    'export function limitRequests(rateLimit) {',
    '  const limiters = limits.map(({ windows, ...endpoint }) => ({',
    '    ...endpoint,',
    '    handlers: windows.map((options) => rateLimit(options)),',
    '  }))',
    '  return (request, response, next) => {',
    '    const found = limiters.find(',
    '      ({ method, path }) => (method === null || method === request.method) && path.test(request.path),',
    '    )',
    '    const handlers = found ? found.handlers : []',
    '    const step = (index) => (error) => {',
    '      if (error || index === handlers.length) next(error)',
    '      else handlers[index](request, response, step(index + 1))',
    '    }',
    '    step(0)()',
    '  }',
    '}',
  ]
  return `${lines.join('\n')}\n`
}

function optionLines({ endpoint, method, path, scope, limit, longWindow }: RateLimitEntry): string[] {
  const windows = [{ windowMs: 60_000, limit }]
  if (longWindow) windows.push({ windowMs: longWindow.seconds * 1000, limit: longWindow.limit })
  const key = scope === 'endpoint' ? ", keyGenerator: () => 'all'" : ''
  return [
    `  // ${commentText(endpoint)}`,
    '  {',
    `    method: ${method === null ? 'null' : quoted(method)},`,
    `    path: ${expressPattern(path)},`,
    '    windows: [',
    ...windows.map(
      (window) => `      { ...common, windowMs: ${window.windowMs}, limit: ${window.limit}${key} },`,
    ),
    '    ],',
    '  },',
  ]
}

function quoted(text: string): string {
  return `'${text.replace(/[^A-Za-z0-9-]/g, escapedUnit)}'`
}

/** Express matches paths as they come, encoded. */
function expressPattern(path: string): string {
  const escaped = path
    .split('{id}')
    .map((text) => text.replace(/[^A-Za-z0-9_%-]/g, escapedUnit))
    .join('[^\\/]+')
  return `/^${escaped}$/`
}
