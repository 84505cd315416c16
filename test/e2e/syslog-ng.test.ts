import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { testService } from '../service.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

const skip = missingProgram('syslog-ng')

/** syslog-ng as docs/ingest.md configures it, on a log file of its own; it ends after the test. */
async function startSyslogNg(t: Test, url: string, log: string, folder: string) {
  const config = join(folder, 'syslog-ng.conf')
  await writeFile(
    config,
    `@version: 3.35
source s_nginx { file("${log}" flags(no-parse)); };
destination d_aegis {
  http(
    url("${url}/ingest/requests?preset=nginx&on_invalid=skip&source=edge-1")
    method("POST")
    headers("Content-Type: application/x-ndjson")
    body("\${MESSAGE}")
    delimiter("\\n")
    batch-lines(100)
    batch-timeout(500)
  );
};
log { source(s_nginx); destination(d_aegis); flags(flow-control); };
`,
  )
  const files = ['persist', 'pid', 'control'].map((name) => join(folder, name))
  const args = [
    '-F',
    '-f',
    config,
    '-R',
    files[0]!,
    '-p',
    files[1]!,
    '-c',
    files[2]!,
    '--no-caps',
    '--stderr',
  ]
  const child = spawn('syslog-ng', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.on('data', (text: Buffer) => (output += text.toString()))
  const closed = once(child, 'close')
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await closed
  })
  return {
    assertRunning() {
      if (child.exitCode !== null) throw new Error(`syslog-ng has ended: ${output}`)
    },
  }
}

t.test('syslog-ng sends the log of NGINX, each line once', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-syslog-ng-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const log = join(folder, 'access.json')
  const startMs = Date.now() - 10 * MINUTE_MS
  const line = (index: number) =>
    `${JSON.stringify({
      ...{
        msec: ((startMs + index) / 1000).toFixed(3),
        request_method: 'GET',
        request_uri: `/users/${index}?a=b`,
      },
      ...{ status: '200', request_time: '0.012', remote_addr: '203.0.113.7', http_user_agent: 'curl "8" ü' },
    })}\n`
  await writeFile(log, Array.from({ length: 250 }, (_, index) => line(index)).join(''))
  const { app, sql } = await testService(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const syslog = await startSyslogNg(t, `http://127.0.0.1:${port}`, log, folder)
  const stored = async (count: number) => {
    syslog.assertRunning()
    const [row] = await sql<{ count: number }[]>`select count(*)::int from request_logs`
    return row!.count >= count
  }
  await eventually(() => stored(250))
  await appendFile(log, `not json\n${line(250)}`)
  await eventually(() => stored(251))
  t.match(
    await sql`select count(*)::int, count(distinct path)::int as paths, min(response_time_ms) as latency,
      min(user_agent) as agent from request_logs`,
    [{ count: 251, paths: 251, latency: 12, agent: 'curl "8" ü' }],
  )
  t.match(await sql`select distinct source from aegis_ml_ingest_batches`, [{ source: 'edge-1' }])
})
