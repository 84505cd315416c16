import { commentText, headLines, type FileHead, type LimitEntry } from './limit-entry.js'

/** An ES module with the options of express-rate-limit (version 7 and later) for each endpoint. */
export function expressFile(entries: readonly LimitEntry[], head: FileHead): string {
  const lines = [
    ...headLines(head).map((line) => `// ${line}`),
    '//',
    "//   import { rateLimit } from 'express-rate-limit'",
    "//   import { limits } from './limits.mjs'",
    '//   for (const { method, path, options } of limits) app[method](path, rateLimit(options))',
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
    ...entries.flatMap(optionLines),
    ']',
  ]
  return `${lines.join('\n')}\n`
}

function optionLines(entry: LimitEntry): string[] {
  const { endpoint, method, path, scope, limit, longWindow } = entry
  const windows = [{ windowMs: 60_000, limit }]
  if (longWindow) windows.push({ windowMs: longWindow.seconds * 1000, limit: longWindow.limit })
  const key = scope === 'endpoint' ? ", keyGenerator: () => 'all'" : ''
  return [
    `  // ${commentText(endpoint)}`,
    ...windows.map((window) => {
      const name = JSON.stringify((method ?? 'all').toLowerCase())
      const options = `{ ...common, windowMs: ${window.windowMs}, limit: ${window.limit}${key} }`
      return `  { method: ${name}, path: ${expressPattern(path)}, options: ${options} },`
    }),
  ]
}

/** Express matches paths as they come, encoded. */
function expressPattern(path: string): string {
  const escaped = path
    .split('{id}')
    .map((text) => text.replace(/[^A-Za-z0-9_%-]/g, escapedUnit))
    .join('[^\\/]+')
  return `/^${escaped}$/`
}

function escapedUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
