import type { LogEntry } from './log-entry.js'

/** Anything else is no method, but the bytes of a client that speaks no HTTP or means harm. */
export const METHOD = /^[A-Za-z][A-Za-z_-]*$/
const ESCAPE = 27
/** Werkzeug writes some requests in colours. */
export const COLOURS = /\x1b\[[\d;]*m/g
const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i

/**
 * Reads a request line such as `GET /users/42?page=2 HTTP/1.1` into an entry, without the query string. What a client sent that speaks no HTTP
 * (`-`, nothing, a TLS handshake) has neither method nor path: servers log it, with status 400 or 408.
 */
export function readRequestLine(request: string, entry: LogEntry): void {
  const text = request.charCodeAt(0) === ESCAPE ? request.replace(COLOURS, '') : request
  const space = text.indexOf(' ')
  const method = space < 0 ? '' : text.slice(0, space)
  if (!METHOD.test(method)) {
    entry.method = null
    entry.path = null
    entry.host = null
    return
  }
  const end = text.lastIndexOf(' HTTP/')
  entry.method = method
  const target = text.slice(space + 1, end > space ? end : undefined)
  // The key of a route of Amazon's API Gateway has its method.
  readTarget(target.startsWith(`${method} /`) ? target.slice(space + 1) : target, entry)
}

/** Reads the target of a request, which may be an absolute URL, into an entry. */
export function readTarget(target: string, entry: LogEntry): void {
  entry.path = pathOfTarget(target)
  const end = target.startsWith('/') ? -1 : target.indexOf('://')
  entry.host = end < 0 ? null : (/^[^/?#]+/.exec(target.slice(end + 3))?.[0] ?? null)
}

/** A path without its query string, which may contain secrets. */
function withoutQuery(target: string): string {
  const end = target.indexOf('?')
  return end < 0 ? target : target.slice(0, end)
}

/** The path of a target without scheme, host and query string. */
const pathOfTarget = (target: string) => requestPath(withoutQuery(target))

/** `/users` of the key of a route of Amazon's API Gateway, such as `GET /users`. */
export const pathOfRoute = (key: string) => (/^[A-Z]+ \//.test(key) ? key.slice(key.indexOf(' ') + 1) : key)

/** The target of a request without scheme and host. */
export function requestPath(target: string): string {
  if (target.charCodeAt(0) === 47) return target // a slash
  const path = target.replace(ABSOLUTE, '')
  return path === target || path.startsWith('/') ? path : `/${path}`
}
