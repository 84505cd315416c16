import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Verdict } from '@aegis/ml-client'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { runnable } from '../docs/documents.js'
import { programName } from '../docs/snippets.js'
import { databaseEnvironment, testDatabase, testDirectory } from '../postgres.js'
import { eventually } from '../eventually.js'
import { freshFolder } from './fresh-folder.js'
import { startLoad } from './open-loop.js'
import { freePort, get, post, startService } from './process.js'

const PROGRAM = 'express-gateway.js'
const PER_SECOND = 20
/** Far more than what a busy machine adds. */
const USUAL_MS = 300
/** With three hours of history only what is far beyond what another time of day may bring is certain. */
const SLOW_MS = 12 * USUAL_MS

t.test(
  "the README's gateway, installed from the package, tells of a handler that has become slow",
  async (t) => {
    const serviceUrl = await trainedService(t)
    const gateway = await startGateway(t, await freshFolder(t), serviceUrl)
    const verdict = async () =>
      (await get(`${gateway.url}ml/anomaly/status`)).body.data['verdict'] as Verdict | null

    const usual = startLoad(`${gateway.url}?ms=${USUAL_MS}`, PER_SECOND)
    await eventually(async () => (await verdict())?.anomaly === false)
    await usual.stop()
    const told = gateway.told().length
    const slow = startLoad(`${gateway.url}?ms=${SLOW_MS}`, PER_SECOND)
    await eventually(async () => (await verdict())?.anomaly_type === 'latency_spike')
    await eventually(async () => /^\w+: .*latency/im.test(gateway.told().slice(told)))
    t.comment(gateway.told().slice(told).trim())
    await slow.stop()
    t.same([usual.failures, slow.failures], [[], []], 'all requests were answered')
    t.same(await gateway.stop(), [0, null], 'it ends by itself when its server closes')
  },
)

/** Learned from three hours of the same traffic that the gateway has before it becomes slow. */
async function trainedService(t: Test): Promise<string> {
  const { sql, connection } = await testDatabase(t)
  const { url } = await startService(t, {
    ...databaseEnvironment(connection),
    DATA_PATH: await testDirectory(t),
  })
  await insertHours(sql, 3)
  const { body } = await post(`${url}/train`, { days: 1 })
  t.match(body.data, { anomaly_detector: { trained: true } })
  return url
}

async function insertHours(sql: Sql, hours: number): Promise<void> {
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    select now() - i * interval '1 second' / ${PER_SECOND}::float8, 'GET', '/', 200, ${USUAL_MS}::int + i % 17
    from generate_series(1, ${hours * 3600 * PER_SECOND}::int) i`
}

/** The program of the README: at a free port, with a report a second, and a handler that takes as long as it is asked to. */
function gatewayProgram(port: number): string {
  const { text } = runnable('js').find((block) => programName(block) === PROGRAM)!
  const changes = [
    ['8080', String(port)],
    ["source: 'express-gateway',", "source: 'express-gateway', aggregationIntervalMs: 1_000,"],
    ["response.send('Hello')", "setTimeout(() => response.send('Hello'), Number(request.query.ms))"],
  ] as const
  return changes.reduce((program, [from, to]) => {
    if (program.split(from).length !== 2) throw new Error(`The README's program has not one ${from}`)
    return program.replace(from, to)
  }, text)
}

async function startGateway(t: Test, folder: string, serviceUrl: string) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  await writeFile(join(folder, PROGRAM), gatewayProgram(port))
  const env = { PATH: process.env['PATH'], ML_SERVICE_URL: serviceUrl }
  const child = spawn(process.execPath, [PROGRAM], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (told += piece))
  const ended = once(child, 'close')
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`The gateway has ended: ${told}`)
    return fetch(`${url}ml/health`).then(
      ({ ok }) => ok,
      () => false,
    )
  })
  return {
    url,
    /** All that it has said of anomalies so far. */
    told: () => told,
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
