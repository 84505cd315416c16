import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const POSTGRES = 'dist/test/postgres-server.js'
/** Their tests start whole services, gateways or containers. */
const WHOLE_SYSTEMS = /^dist\/test\/(?:compat|container|e2e)\//

/** The test files that need no PostgreSQL: neither they nor what they import ask for a server. */
export function unitFiles(): string[] {
  return readdirSync('dist/test', { recursive: true, encoding: 'utf8' })
    .map((name) => join('dist/test', name))
    .filter((path) => path.endsWith('.test.js') && !WHOLE_SYSTEMS.test(path))
    .filter((path) => !importsOf(path).has(POSTGRES))
    .sort()
}

/** A compiled file and all that it imports from this repository, directly or not. */
function importsOf(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path) || !existsSync(path)) return found
  found.add(path)
  for (const [, specifier] of readFileSync(path, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) {
    importsOf(join(dirname(path), specifier!), found)
  }
  return found
}
