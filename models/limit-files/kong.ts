import { commentText, headLines, safeName, type FileHead, type LimitEntry } from './limit-entry.js'
import { pathPattern } from './path-pattern.js'

/** A declarative configuration of Kong (format 3.0): a route with the plugin rate-limiting for each endpoint. */
export function kongFile(entries: readonly LimitEntry[], head: FileHead): string {
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For `deck gateway sync` or `kong config db_import`. Put in your own service, or take over the plugins alone.',
    '# Kong has no log-only mode: plugins are disabled. Windows are fixed: there is no burst.',
    '_format_version: "3.0"',
    'services:',
    '  - name: aegis-limits',
    '    url: http://127.0.0.1:8080 # your upstream',
    entries.length > 0 ? '    routes:' : '    routes: []',
    ...entries.flatMap(routeLines),
  ]
  return `${lines.join('\n')}\n`
}

function routeLines(
  { endpoint, method, path, scope, limit, longWindow }: LimitEntry,
  place: number,
): string[] {
  return [
    `      # ${commentText(endpoint)}`,
    `      - name: ${safeName(endpoint, place)}`,
    ...(method === null ? [] : [`        methods: [${JSON.stringify(method)}]`]),
    `        paths: [${JSON.stringify(`~${pathPattern(path).slice(1)}`)}]`,
    '        strip_path: false',
    '        plugins:',
    '          - name: rate-limiting',
    '            enabled: false # true enforces the limit',
    '            config:',
    `              minute: ${limit}`,
    ...(longWindow?.seconds === 3600 ? [`              hour: ${longWindow.limit}`] : []),
    `              limit_by: ${scope === 'client' ? 'ip' : 'service'}`,
    '              policy: local',
  ]
}
