import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Connection } from '../db/embedded.js'
import { configuredServer, startTestServer } from './postgres-server.js'

/**
 * The test command: `node dist/test/run.js [files…]`. One PostgreSQL for the whole run (a throw-away one unless
 * TEST_POSTGRES_HOST names a server), tap on the files, and as the last line `N passed, N failed` in assertions.
 */
let interrupted = false
let tap: ChildProcess | undefined
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    interrupted = true
    tap?.kill('SIGTERM')
  })
}
const configured = configuredServer(process.env)
const server = configured === undefined ? await startTestServer() : undefined
const directory = await mkdtemp(join(tmpdir(), 'aegis-ml-run-'))
let passed = 0
let failed = 1
try {
  const results = join(directory, 'results.tap')
  const code = interrupted
    ? null
    : await runTap(process.argv.slice(2), results, configured ?? server!.connection)
  ;({ passed, failed } = await count(results))
  // tap ended badly, or there was nothing to run: that is a failure too, even if no assertion failed.
  if (code !== 0 || passed === 0) failed = Math.max(1, failed)
} finally {
  await rm(directory, { recursive: true, force: true })
  await server?.stop()
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = interrupted ? 130 : failed === 0 ? 0 : 1

function runTap(files: string[], results: string, connection: Connection): Promise<number | null> {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve('tap/package.json')
  const { bin } = require(manifest) as { bin: { tap: string } }
  const reporter = process.stdout.isTTY ? 'base' : 'terse'
  const args = [
    join(dirname(manifest), bin.tap),
    `--reporter=${reporter}`,
    `--output-file=${results}`,
    ...files,
  ]
  tap = spawn(process.execPath, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      TEST_POSTGRES_HOST: connection.host,
      TEST_POSTGRES_PORT: String(connection.port),
      TEST_POSTGRES_USER: connection.user,
      TEST_POSTGRES_PASSWORD: connection.password,
      TEST_POSTGRES_DB: connection.database,
    },
  })
  const child = tap
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
}

/** tap's own tally, the last comment of its output: `# { total: 3, pass: 2, fail: 1 }`. */
async function count(results: string): Promise<{ passed: number; failed: number }> {
  const text = await readFile(results, 'utf8').catch(() => '')
  const tally = text.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? ''
  const read = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(tally)?.[1] ?? 0)
  return { passed: read('pass'), failed: read('fail') }
}
