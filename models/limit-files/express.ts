import { escapedUnit } from './escaped-unit.js'
import { commentText, headLines, type FileHead, type LimitEntry } from './limit-entry.js'

/** The methods that Node.js 20 knows (http.METHODS): an app of Express has a function for each, and for no other. */
const METHODS: ReadonlySet<string> = new Set(
  (
    'ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY ' +
    'OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK ' +
    'UNSUBSCRIBE'
  ).split(' '),
)

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
  if (method !== null && !METHODS.has(method))
    return [`  // Left out, as Node.js does not know the method: ${commentText(endpoint)}`]
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
