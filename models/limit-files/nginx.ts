import { commentText, headLines, safeName, type FileHead, type LimitEntry } from './limit-entry.js'
import { pathPattern } from './path-pattern.js'

/**
 * A file to be included in the `http` block of NGINX. A map gives each request of an endpoint its key, and any other
 * the empty one, which is not counted: so no `location` of the configuration has to be touched. The burst of NGINX is
 * one less than ours, as it does not count the request at hand. It rejects nothing until dry run is off.
 */
export function nginxFile(entries: readonly LimitEntry[], head: FileHead, dryRun = true): string {
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# Include this file in the http block: include /etc/nginx/aegis-limits.conf;',
    '# A block with a limit_req of its own does not inherit these.',
    '# limit_req_dry_run on: requests over a limit are only logged. Set it to off to enforce the limits.',
    `limit_req_dry_run ${dryRun ? 'on' : 'off'};`,
    'limit_req_status 429;',
    'limit_req_log_level warn;',
    ...entries.flatMap(endpointLines),
  ]
  return `${lines.join('\n')}\n`
}

function endpointLines(entry: LimitEntry, place: number): string[] {
  const { endpoint, method, path, scope, limit, burst, longWindow } = entry
  const name = safeName(endpoint, place)
  const ofMethod = method === null ? '[^ ]+' : pathPattern(method, false)
  const ofPath = pathPattern(path).slice(1)
  // Of a client it is its address: put $http_x_api_key, say, where clients are known by more.
  const [key, size, who] =
    scope === 'client' ? ['$binary_remote_addr', '1m', 'each client'] : ['all', '32k', 'all callers together']
  return [
    '',
    `# ${commentText(endpoint)}: ${limit} a minute, ${burst} at once, for ${who}.`,
    ...(longWindow
      ? [
          `# (${longWindow.limit} in ${longWindow.seconds} s was recommended too; NGINX has no window so long.)`,
        ]
      : []),
    `map "$request_method $uri" $${name} {`,
    '    default "";',
    `    "~^${ofMethod} ${ofPath}" ${key};`,
    '}',
    `limit_req_zone $${name} zone=${name}:${size} rate=${limit}r/m;`,
    `limit_req zone=${name} burst=${Math.max(0, burst - 1)} nodelay;`,
  ]
}
