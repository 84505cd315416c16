import { requestPath } from './request-path.js'

const MAX_PATHS = 100
const MAX_LENGTH = 500

/**
 * Whether a request is to one of the paths. `*` at the end of a path stands for any rest.
 *
 * @throws RangeError naming the invalid path
 */
export function excludedPaths(
  paths: readonly string[] = [],
): (request: Parameters<typeof requestPath>[0]) => boolean {
  if (paths.length > MAX_PATHS) {
    throw new RangeError(`exclude has ${paths.length} paths; allowed are at most ${MAX_PATHS}.`)
  }
  paths.forEach(assertPath)
  const exact = new Set(paths.filter((path) => !path.endsWith('*')))
  const prefixes = paths.filter((path) => path.endsWith('*')).map((path) => path.slice(0, -1))
  if (paths.length === 0) return () => false
  return (request) => {
    const path = requestPath(request)
    return exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix))
  }
}

function assertPath(path: string, index: number): void {
  if (/^\/[^*?]*\*?$/.test(path) && path.length <= MAX_LENGTH) return
  const allowed = `a path such as "/health" or "/metrics*", of at most ${MAX_LENGTH} characters`
  throw new RangeError(`exclude[${index}] is ${JSON.stringify(path)}; allowed is ${allowed}.`)
}
