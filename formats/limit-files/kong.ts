import { commentText, headLines, safeName, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { pathPattern, placeholders } from './path-pattern.js'
import { yamlText } from './yaml-text.js'

const METHOD = /^[A-Z]+$/
const MAX_PLACEHOLDERS = 100

/**
 * A declarative configuration of Kong (format 3.0): a route with the plugin rate-limiting for each endpoint. Those whose
 * method or path Kong refuses, and with it the whole file, are named in a comment.
 */
export function kongFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const isRouted = entries.some(canRoute)
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For `deck gateway sync` or `kong config db_import`. Put in your own service, or take over the plugins alone.',
    '# Kong has no log-only mode: plugins are disabled. Windows are fixed: there is no burst.',
    '_format_version: "3.0"',
    'services:',
    '  - name: aegis-limits',
    '    url: http://127.0.0.1:8080 # your upstream',
    isRouted ? '    routes:' : '    routes: []',
    ...entries.flatMap(routeLines),
  ]
  return `${lines.join('\n')}\n`
}

/** Methods are capitals, and paths begin with a slash: not so those of M-SEARCH, `OPTIONS *` and CONNECT. */
function canRoute({ method, path }: RateLimitEntry): boolean {
  return (method === null || METHOD.test(method)) && kongPath(path).startsWith('~/')
}

/** A path that is a regular expression; two slashes in a row are refused there too. */
function kongPath(path: string): string {
  const pattern = pathPattern(path).slice(1)
  return `~${pattern.replace(/\/{2,}/g, (slashes) => `/{${slashes.length}}`)}`
}

function routeLines(entry: RateLimitEntry, place: number): string[] {
  const { endpoint, method, path, scope, limit, longWindow } = entry
  if (!canRoute(entry)) return [`      # Left out, as Kong cannot express it: ${commentText(endpoint)}`]
  const hourLimit = longWindow?.seconds === 3600 ? longWindow.limit : null
  return [
    `      # ${commentText(endpoint)}`,
    `      - name: ${safeName(endpoint, place)}`,
    ...(method === null ? [] : [`        methods: [${yamlText(method)}]`]),
    `        paths: [${yamlText(kongPath(path))}]`,
    // A path of its own goes before a template that matches it too.
    `        regex_priority: ${MAX_PLACEHOLDERS - Math.min(MAX_PLACEHOLDERS, placeholders(path) - 1)}`,
    '        strip_path: false',
    '        plugins:',
    '          - name: rate-limiting',
    '            enabled: false # true enforces the limit',
    '            config:',
    `              minute: ${Math.min(limit, hourLimit ?? limit)}`, // more than an hour's is refused
    ...(hourLimit === null ? [] : [`              hour: ${hourLimit}`]),
    `              limit_by: ${scope === 'client' ? 'ip' : 'service'}`,
    '              policy: local',
  ]
}
