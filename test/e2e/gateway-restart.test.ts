import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { MLMiddlewareStatus } from '@aegis/ml-client'
import t, { type Test } from 'tap'
import { quantile } from '../../models/statistics/quantile.js'
import { databaseEnvironment, testDatabase, testDirectory } from '../postgres.js'
import { eventually } from '../eventually.js'
import { startLoad, type Answered } from './open-loop.js'
import { freePort, post, startService } from './process.js'
import { insertMinutes } from './traffic.js'

const GATEWAY = fileURLToPath(new URL('./gateway.js', import.meta.url))
/** Requests a second; the highest that the machine holds is taken. */
const RATES = [2_000, 1_000, 500]
/** Of a gateway beside it that does nothing else. */
const OTHER_RATE = 100
const PHASE_MS = 4_000
const SLICE_MS = 250
/** A hundred bytes for each request of the test would be more. */
const MOST_GROWTH_BYTES = 3_000_000

interface Phase {
  readonly fromMs: number
  readonly toMs: number
  readonly cpuMs: number
}

t.test('a gateway under load does not notice that the service is killed and started again', async (t) => {
  const start = await restartable(t)
  const service = await start()
  const gateway = await startGateway(t, service.url)
  // Without the service: what happens to it is the machine's doing.
  const other = await startGateway(t, service.url, { ML_SERVICE_ENABLED: 'false' })
  const rate = await heldRate(gateway.url)
  const load = startLoad(gateway.url, rate)
  const otherLoad = startLoad(other.url, OTHER_RATE)
  /** A while in which something happens, or nothing. */
  const phase = async (during: () => Promise<unknown> = async () => undefined): Promise<Phase> => {
    const fromMs = performance.now()
    const { cpuMs } = await gateway.usage()
    await Promise.all([delay(PHASE_MS), during()])
    return { fromMs, toMs: performance.now(), cpuMs: (await gateway.usage()).cpuMs - cpuMs }
  }

  await eventually(async () => (await gateway.state()).judged !== null)
  const { bytes } = await gateway.usage()
  const usual = await phase()
  t.equal(await service.end('SIGKILL'), 'SIGKILL')
  // It is tried three times before the gateway says that the service is away.
  const outage = await phase(() => eventually(async () => (await gateway.state()).reachable === false))
  await start()
  const restarted = new Date().toISOString()
  await eventually(async () => (await gateway.state()).judged!.metrics.timestamp! > restarted)
  const { reachable, judged } = await gateway.state()
  const grown = (await gateway.usage()).bytes - bytes
  await Promise.all([load.stop(), otherLoad.stop()])

  t.equal(reachable, true)
  t.ok(judged!.metrics.total_requests! > 0, 'what is judged again is the traffic')
  t.same(load.failures, [], `all ${load.answered.length} requests were answered`)
  const before = figuresOf(load.answered, usual)
  const meanwhile = figuresOf(load.answered, outage)
  t.comment(
    `${rate} requests/s; before ${told(before)}; in the outage ${told(meanwhile)}; ${grown} bytes more`,
  )
  const slowness = slownessOf(figuresOf(otherLoad.answered, usual), figuresOf(otherLoad.answered, outage))
  t.ok(meanwhile.median <= 5 * slowness.median * before.median + 100, 'as fast as before')
  t.ok(meanwhile.p99 <= 5 * slowness.p99 * before.p99 + 200, 'the slowest too')
  t.ok(meanwhile.cpuMs <= 2 * before.cpuMs, 'for as much work')
  t.ok(grown < MOST_GROWTH_BYTES, 'nothing is kept of the requests')

  t.same(await gateway.stop(), [0, null], 'it ends by itself')
})

/** What starts the service, trained, at the same port and on the same database each time. */
async function restartable(t: Test) {
  const { sql, connection } = await testDatabase(t)
  const dataPath = await testDirectory(t)
  const environment = {
    ...databaseEnvironment(connection),
    DATA_PATH: dataPath,
    ML_SERVICE_PORT: String(await freePort()),
  }
  let isTrained = false
  return async () => {
    const service = await startService(t, environment)
    if (!isTrained) {
      await insertMinutes(sql, 120)
      const { body } = await post(`${service.url}/train`, { days: 1 })
      t.match(body.data, { anomaly_detector: { trained: true } })
      isTrained = true
    }
    return service
  }
}

async function startGateway(t: Test, serviceUrl: string, more: Record<string, string> = {}) {
  const env = { PATH: process.env['PATH'], ML_SERVICE_URL: serviceUrl, ...more }
  const child = spawn(process.execPath, ['--expose-gc', GATEWAY], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const [port] = await once(createInterface(child.stdout), 'line')
  const url = `http://127.0.0.1:${port}/`
  const get = async (path: string) => (await fetch(path)).json()
  return {
    url,
    state: async () => (await get(`${url}state`)) as MLMiddlewareStatus,
    usage: async () => (await get(`${url}usage`)) as { cpuMs: number; bytes: number },
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

/** The highest rate at which no queue builds up, once the gateway is warm. */
async function heldRate(url: string): Promise<number> {
  const lowest = RATES.at(-1)!
  for (const rate of [lowest, ...RATES]) {
    const load = startLoad(url, rate)
    await delay(1_500)
    const waiting = load.waiting()
    await load.stop()
    if (rate > lowest && waiting < rate / 50) return rate
  }
  return lowest
}

/**
 * CPU time for each request, and latencies: medians over slices of time, since a moment in which the machine does
 * something else is in one or two of them, and what the outage does to the gateway would be in all.
 */
function figuresOf(answered: readonly Answered[], { fromMs, toMs, cpuMs }: Phase) {
  const ofPhase = answered.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs)
  const slices: number[][] = []
  for (const { sentMs, latencyMs } of ofPhase) {
    ;(slices[Math.floor((sentMs - fromMs) / SLICE_MS)] ??= []).push(latencyMs)
  }
  const over = (q: number) => {
    const ofEach = slices.filter((slice) => slice.length > 0).map((slice) => quantile(slice, q))
    return quantile(ofEach, 0.5)
  }
  return { median: over(0.5), p99: over(0.99), cpuMs: cpuMs / ofPhase.length }
}

type Figures = ReturnType<typeof figuresOf>

/** How much slower the machine has become, at least 1. */
function slownessOf(before: Figures, meanwhile: Figures) {
  const ratio = (of: (figures: Figures) => number) => Math.max(1, of(meanwhile) / of(before))
  return { median: ratio(({ median }) => median), p99: ratio(({ p99 }) => p99) }
}

function told({ median, p99, cpuMs }: Figures): string {
  return `median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, CPU ${cpuMs.toFixed(3)} ms`
}
