import { parseArgs } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { requestText } from './connection.js'
import { closedLoop, latencyAt, openLoop, type Outcome, type Target } from './load.js'
import { startProbing } from './probe.js'
import { startMeasuredService, type MeasuredService } from './service.js'

const HELP = `Usage: node dist/bench/overload/main.js [--seconds 60] [--times 2] [--capacity N]

Measures how many POST /detect the service answers in a second, and then sends a multiple of that for some time. Prints
how many were accepted and refused, the latency of the accepted ones beside that of an idle service, and when the service
is as fast again afterwards. Needs two cores: one for the service, one for the load.
`
const MINUTE = requestText('POST', '/detect', {
  requests_per_second: 50,
  avg_latency_ms: 45,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  error_rate: 0.01,
})
const WARM_UP = { seconds: 3, connections: 32 }
const CAPACITY = { seconds: 5, connections: 32 }
/** Of the capacity. */
const LIGHT = 0.05
const CONNECTIONS = 256
const MAX_RECOVERY_SECONDS = 30

const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`
const ms = (value: number) => `${value.toFixed(1)} ms`

async function main(): Promise<void> {
  const options = {
    help: { type: 'boolean' },
    seconds: { type: 'string', default: '60' },
    times: { type: 'string', default: '2' },
    capacity: { type: 'string' },
  } as const
  const { values } = parseArgs({ options })
  if (values.help) return void process.stdout.write(HELP)
  const service = await startMeasuredService({ RATE_LIMIT: 'off' })
  try {
    await measure(service, Number(values.seconds), Number(values.times), Number(values.capacity ?? 0))
  } finally {
    await service.stop()
  }
}

async function measure(service: MeasuredService, seconds: number, times: number, given: number) {
  await closedLoop(service, MINUTE, WARM_UP)
  const idleCpu = service.cpuSeconds()
  const measured = await closedLoop(service, MINUTE, CAPACITY)
  const costOfAccepted = (service.cpuSeconds() - idleCpu) / measured.latencies.length
  const capacity = given || perSecond(measured)
  print('capacity', `${Math.round(capacity)} requests/s, ${refusals(measured)} refused`)
  const unloaded = await light(service, capacity, 10)
  const unloadedP99 = latencyAt(unloaded.latencies, 0.99)
  describe('unloaded', unloaded)
  const probing = startProbing(service)
  const cpuBefore = service.cpuSeconds()
  const overloaded = await openLoop(service, MINUTE, {
    perSecond: times * capacity,
    ...{ seconds, connections: CONNECTIONS },
  })
  const cpu = service.cpuSeconds() - cpuBefore
  const { times: probes, failures } = await probing.stop()
  const recovery = await recoverySeconds(service, capacity, 2 * unloadedP99)
  describe(`${times} × the capacity`, overloaded)
  print('p99 of accepted', `${(latencyAt(overloaded.latencies, 0.99) / unloadedP99).toFixed(1)} × unloaded`)
  print('refused', `p99 ${ms(latencyAt(overloaded.refusedLatencies, 0.99))}`)
  print(
    '/health/live',
    `${probes.length} probes, ${failures} failed, p99 ${ms(latencyAt(probes, 0.99))}, longest ${ms(probes.at(-1) ?? NaN)}`,
  )
  const costOfRefused = (cpu - costOfAccepted * overloaded.latencies.length) / refusals(overloaded)
  const us = (seconds: number) => `${Math.round(seconds * 1e6)} µs`
  print('CPU of a request', `accepted ${us(costOfAccepted)}, refused ${us(costOfRefused)}`)
  print('recovery', recovery === null ? `not within ${MAX_RECOVERY_SECONDS} s` : `${recovery} s`)
  const { now, peak } = service.memory()
  print('memory', `${Math.round(now)} MB, at most ${Math.round(peak)} MB`)
}

const perSecond = ({ statuses, seconds }: Outcome) => (statuses.get(200) ?? 0) / seconds
const refusals = ({ statuses }: Outcome) => statuses.get(503) ?? 0

function light(target: Target, capacity: number, seconds: number): Promise<Outcome> {
  return openLoop(target, MINUTE, { perSecond: Math.max(20, LIGHT * capacity), seconds, connections: 16 })
}

/** Seconds until requests are as fast as before, and none is refused, in each of a second. */
async function recoverySeconds(target: Target, capacity: number, maxP99Ms: number): Promise<number | null> {
  for (let second = 1; second <= MAX_RECOVERY_SECONDS; second++) {
    const outcome = await light(target, capacity, 1)
    if (refusals(outcome) === 0 && latencyAt(outcome.latencies, 0.99) <= maxP99Ms) return second
    await delay(0)
  }
  return null
}

function describe(name: string, outcome: Outcome): void {
  const { latencies, sent, statuses, unanswered, seconds } = outcome
  const accepted = latencies.length
  print(
    name,
    `${Math.round(sent / seconds)}/s sent, ${Math.round(accepted / seconds)}/s accepted (${percent(accepted, sent)}), ${refusals(outcome)} refused, ${unanswered} without an answer, p50 ${ms(latencyAt(latencies, 0.5))}, p99 ${ms(latencyAt(latencies, 0.99))}, longest ${ms(latencies.at(-1) ?? NaN)}`,
  )
  const others = [...statuses].filter(([status]) => status !== 200 && status !== 503)
  for (const [status, count] of others) print(`  status ${status}`, String(count))
}

const print = (name: string, text: string) => console.log(`${name.padEnd(24)}${text}`)

await main()
