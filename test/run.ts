import { parseArgs } from 'node:util'
import type { EmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import type { Connection } from '../db/pool.js'
import { configuredServer, relaxDurability, startTestServer } from './postgres-server.js'
import { LINT, runFiles, type Result } from './run-files.js'
import { testFiles, unitFiles } from './test-files.js'

/**
 * The test command: `node dist/test/run.js [--jobs=4] [--timeout=900] [--unit] [--lint] [files…]`. One PostgreSQL for the whole run (a
 * throw-away one unless TEST_POSTGRES_HOST names a server), each file in a process of its own, and as the last line
 * `N passed, N failed` in assertions. With `--unit` it runs the files that need no PostgreSQL, and starts none. With
 * `--lint` it runs the linters beside the tests; they count as one file.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: 'boolean', default: false },
    lint: { type: 'boolean', default: false },
    // More than there are processors: many tests wait for processes and servers.
    jobs: { type: 'string', default: '4' },
    // Seconds for a file, far longer than a slow machine takes: what takes longer, hangs.
    timeout: { type: 'string', default: '900' },
  },
})
const interruption = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interruption.abort())
const configured = configuredServer(process.env)
let server: EmbeddedPostgres | undefined
let [passed, failed] = [0, 0]
const bad: Result[] = []
try {
  if (configured === undefined && !values.unit) {
    server = await startTestServer()
    await relaxDurability(server.connection)
  }
  const connection = configured ?? server?.connection
  const chosen = [...(values.unit ? unitFiles() : []), ...positionals]
  const results = runFiles({
    files: [...(values.lint ? [LINT] : []), ...(chosen.length > 0 ? chosen : testFiles())],
    jobs: Number(values.jobs),
    timeoutSeconds: Number(values.timeout),
    environment: connection ? testServer(connection) : {},
    signal: interruption.signal,
  })
  for await (const result of results) {
    passed += result.passed
    failed += result.failed
    if (result.failed > 0) bad.push(result)
    console.log(lineOf(result))
  }
} catch (error) {
  failed++
  console.error(error)
} finally {
  await server?.stop()
}
for (const { file, failures } of bad) console.log(`\n${file}\n${failures}`)
if (passed === 0) failed = Math.max(1, failed)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = interruption.signal.aborted ? 130 : failed === 0 ? 0 : 1

function lineOf({ file, passed, failed, messages, seconds }: Result): string {
  const word =
    failed > 0 ? `FAIL  ${file}  ${failed} of ${passed + failed} failed` : `PASS  ${file}  ${passed}`
  return `${word}  ${seconds.toFixed(1)} s${messages && `\n${messages.trimEnd()}`}`
}

function testServer({ host, port, user, password, database }: Connection): Record<string, string> {
  return {
    TEST_POSTGRES_HOST: host,
    TEST_POSTGRES_PORT: String(port),
    TEST_POSTGRES_USER: user,
    TEST_POSTGRES_PASSWORD: password,
    TEST_POSTGRES_DB: database,
  }
}
