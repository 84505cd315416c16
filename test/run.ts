import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import type { Connection } from '../db/pool.js'
import { configuredServer, relaxDurability, startTestServer } from './postgres-server.js'
import { unitFiles } from './unit-files.js'

/**
 * The test command: `node dist/test/run.js [files…]`. One PostgreSQL for the whole run (a throw-away one unless
 * TEST_POSTGRES_HOST names a server), tap on the files, and as the last line `N passed, N failed` in assertions.
 * With `--unit` it runs the files that need no PostgreSQL, and starts none.
 */
let interrupted = false
let tap: ChildProcess | undefined
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    interrupted = true
    tap?.kill('SIGTERM')
  })
}
const unit = process.argv[2] === '--unit'
const files = unit ? [...unitFiles(), ...process.argv.slice(3)] : process.argv.slice(2)
const configured = configuredServer(process.env)
let server: EmbeddedPostgres | undefined
const directory = await mkdtemp(join(tmpdir(), 'aegis-ml-run-'))
let passed = 0
let failed = 1
try {
  if (configured === undefined && !unit) {
    server = await startTestServer()
    await relaxDurability(server.connection)
  }
  const results = join(directory, 'results.tap')
  const code = interrupted ? null : await runTap(files, results, configured ?? server?.connection)
  const text = await readFile(results, 'utf8').catch(() => '')
  ;({ passed, failed } = count(text))
  // Without a terminal the reporter names what failed, no more.
  if (!process.stdout.isTTY) console.log(failures(text))
  // tap ended badly, or there was nothing to run: that is a failure too, even if no assertion failed.
  if (code !== 0 || passed === 0) failed = Math.max(1, failed)
} catch (error) {
  console.error(error)
} finally {
  await rm(directory, { recursive: true, force: true })
  await server?.stop()
}
// The reporter's last line may not have ended.
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = interrupted ? 130 : failed === 0 ? 0 : 1

function runTap(files: string[], results: string, connection?: Connection): Promise<number | null> {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve('tap/package.json')
  const { bin } = require(manifest) as { bin: { tap: string } }
  const args = [join(dirname(manifest), bin.tap), '--reporter=base', `--output-file=${results}`, ...files]
  tap = spawn(process.execPath, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      TEST_CI: process.env['CI'] ?? '',
      // Without a terminal the reporter prints each result once instead of redrawing the screen.
      ...(process.stdout.isTTY ? {} : { CI: 'true' }),
      ...(connection && testServer(connection)),
    },
  })
  const child = tap
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
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

/** tap's own tally, the last comment of its output: `# { total: 3, pass: 2, fail: 1 }`. */
function count(text: string): { passed: number; failed: number } {
  const tally = text.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? ''
  const read = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(tally)?.[1] ?? 0)
  return { passed: read('pass'), failed: read('fail') }
}

/** Every failed line of tap's output with the explanation that is indented below it. */
function failures(text: string): string {
  const blocks = text.match(
    /^( *)not ok (?!.*# (?:TODO|SKIP)).*(?:\n\1 {2}---\n(?:\1 {2}.*\n|\s*\n)*?\1 {2}\.\.\.)?$/gm,
  )
  return (blocks ?? []).join('\n')
}
