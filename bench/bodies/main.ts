import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { quantile } from '../../models/statistics/quantile.js'
import { openDirectory } from '../../test/postgres-server.js'
import { CASES, type HostileCase } from './cases.js'
import type { Measured } from './event-loop.js'

/**
 * Sends bodies that are cheap to send and expensive to read, and prints for each: the statuses, the longest stall of the
 * event loop, the latency of GET /health/live beside it, and the memory of the service.
 */
const PORT = 5989
const ORIGIN = `http://127.0.0.1:${PORT}`
const built = (path: string) => fileURLToPath(new URL(path, import.meta.url))

async function main(): Promise<void> {
  const filter = process.argv[2] ?? ''
  const dataPath = await openDirectory()
  const env = { ...process.env, ML_SERVICE_PORT: String(PORT), DATA_PATH: dataPath, TRAIN_EVERY: 'off' }
  const service = fork(built('../../server.js'), {
    execArgv: ['--import', built('./event-loop.js')],
    env: { LOG_LEVEL: 'silent', ...env, MODEL_PATH: `${dataPath}/models` },
  })
  try {
    await untilHealthy()
    await post('/generate/synthetic', { seed: 42 })
    await post('/train/synthetic')
    await delay(500)
    const probe = new Worker(built('./probe.js'), { workerData: `${ORIGIN}/health/live` })
    print([
      'case',
      'statuses',
      'seconds',
      'stall ms',
      'CPU of a turn ms',
      'probe p99 ms',
      'probe max ms',
      'RSS MB',
    ])
    for (const each of CASES) {
      if (`${each.path} ${each.name}`.includes(filter)) print(await measure(each, service, probe))
    }
    await probe.terminate()
  } finally {
    service.kill('SIGTERM')
    await once(service, 'exit')
    await rm(dataPath, { recursive: true, force: true })
  }
}

async function measure(each: HostileCase, service: ChildProcess, probe: Worker): Promise<string[]> {
  await delay(300)
  await measuredBy(service)
  await latenciesOf(probe)
  const start = performance.now()
  const statuses = await Promise.all(Array.from({ length: each.times ?? 1 }, () => send(each)))
  const seconds = (performance.now() - start) / 1000
  await delay(100)
  const latencies = Float64Array.from(await latenciesOf(probe))
  const { stallMs, turnMs, rssMb } = await measuredBy(service)
  const counted = [...new Set(statuses)].map((status) => {
    const count = statuses.filter((other) => other === status).length
    return count === 1 ? status : `${count} × ${status}`
  })
  const figures = [1000 * seconds, stallMs, turnMs, quantile(latencies, 0.99), Math.max(...latencies), rssMb]
  const [ms, ...rest] = figures
  return [
    `${each.path.slice(0, 20)} ${each.name}`,
    counted.join(', '),
    (ms! / 1000).toFixed(2),
    ...rest.map((x) => x.toFixed(0)),
  ]
}

async function measuredBy(service: ChildProcess): Promise<Measured> {
  service.send('measure')
  const [measured] = (await once(service, 'message')) as [Measured]
  return measured
}

async function latenciesOf(probe: Worker): Promise<number[]> {
  probe.postMessage('latencies')
  const [latencies] = (await once(probe, 'message')) as [number[]]
  return latencies
}

/** The status of the answer, or why there is none. */
function send({ path, method = 'POST', headers, body }: HostileCase): Promise<string> {
  return new Promise((resolve) => {
    const length = body === undefined ? {} : { 'content-length': body.length }
    const sent = request(
      `${ORIGIN}${path}`,
      { method, agent: false, headers: { 'content-type': 'application/json', ...length, ...headers } },
      (response) => {
        response.resume().once('close', () => {
          resolve(String(response.statusCode))
          sent.destroy()
        })
      },
    ).once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    sent.end(body)
  })
}

async function post(path: string, body: object = {}): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${ORIGIN}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(await response.text())
}

async function untilHealthy(): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if ((await fetch(`${ORIGIN}/health/live`).catch(() => undefined))?.ok) return
    await delay(100)
  }
  throw new Error('The service does not start.')
}

function print(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

await main()
