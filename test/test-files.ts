import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const POSTGRES = 'dist/test/postgres-server.js'
/** Their tests start whole services, gateways or containers. */
const WHOLE_SYSTEMS = /^dist\/test\/(?:chaos|compat|container|e2e)\//

/** An earlier build may have left what has no source any more. */
const sourceOf = (path: string) => path.replace(/^dist\/(.*)\.js$/, '$1.ts')

/** Others that take long. */
const LONG = /^dist\/test\/(?:plugins\/watch|scripts\/(?:dump|export|generate))/

/** Every test file: those that take longest come first, so that no processor is idle at the end. */
export function testFiles(): string[] {
  const files = readdirSync('dist/test', { recursive: true, encoding: 'utf8' })
    .map((name) => join('dist/test', name))
    .filter((path) => path.endsWith('.test.js') && existsSync(sourceOf(path)))
    .sort()
  const isLong = (path: string) => WHOLE_SYSTEMS.test(path) || LONG.test(path)
  return [...files.filter(isLong), ...files.filter((path) => !isLong(path))]
}

/** The test files that need no PostgreSQL: neither they nor what they import ask for a server. */
export function unitFiles(): string[] {
  return testFiles().filter((path) => !WHOLE_SYSTEMS.test(path) && !importsOf(path).has(POSTGRES))
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
