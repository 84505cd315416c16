import { performance } from 'node:perf_hooks'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { register, registerHistogram } from './counted.js'
import { Histogram } from './histogram.js'

/**
 * What prom-client tells of the process that is left out: gauges named as counters, CPU time that begins with the first
 * scrape, and the delay of the event loop, of which each scrape takes away what others would see.
 */
const LEFT_OUT = [
  ...['process_cpu_seconds_total', 'process_cpu_user_seconds_total', 'process_cpu_system_seconds_total'],
  ...['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'],
  ...['nodejs_active_handles', 'nodejs_active_requests'],
  ...['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99'].map(
    (of) => `nodejs_eventloop_lag${of}_seconds`,
  ),
]

let ofProcess: Registry | undefined

/** The metrics of the process. There is one registry, however many services the process has. */
export function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    // The delay that prom-client measures is not read, so it is measured rarely.
    collectDefaultMetrics({ register: ofProcess, eventLoopMonitoringPrecision: 60_000 })
    for (const name of LEFT_OUT) ofProcess.removeSingleMetric(name)
    register(ofProcess, {
      name: 'process_cpu_seconds_total',
      help: 'User and system CPU time of the process in seconds.',
      type: 'counter',
      samples: () => [{ labels: {}, value: cpuSeconds() }],
    })
  }
  return ofProcess
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage() // µs
  return (user + system) / 1e6
}

const SAMPLE_MS = 20
const DELAY_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** The work of the event loop, and how late a timer comes. @returns a function that ends the measuring */
export function registerEventLoop(registry: Registry): () => void {
  const histogram = new Histogram(DELAY_BOUNDS)
  let dueMs = performance.now() + SAMPLE_MS
  const timer = setInterval(() => {
    const nowMs = performance.now()
    histogram.observe(Math.max(0, nowMs - dueMs) / 1000)
    dueMs = nowMs + SAMPLE_MS
  }, SAMPLE_MS).unref()
  registerHistogram(registry, {
    name: 'aegis_ml_event_loop_delay_seconds',
    help: 'How much later than due a timer of 20 ms fires: the time for which the event loop was blocked.',
    observations: () => [{ labels: {}, histogram }],
  })
  register(registry, {
    name: 'aegis_ml_event_loop_active_seconds_total',
    help: 'Time that the event loop was busy. Its rate is the utilization, from 0 to 1.',
    type: 'counter',
    samples: () => [{ labels: {}, value: performance.eventLoopUtilization().active / 1000 }],
  })
  return () => clearInterval(timer)
}

export function registerBuild(registry: Registry, version: string): void {
  register(registry, {
    name: 'aegis_ml_build_info',
    help: 'The version of the service and of Node.js. The value is 1.',
    type: 'gauge',
    samples: () => [{ labels: { version, node: process.versions.node }, value: 1 }],
  })
}
