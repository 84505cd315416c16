import { clockOf } from '../../models/watch/clock.js'
import { fitEndpoint } from '../../models/watch/fit-endpoint.js'
import { fitOurs } from '../detection/contenders.js'
import { drawGateway } from './gateway.js'
const cpu = () => process.cpuUsage().user / 1e6
let t = cpu()
const lap = (name: string) => { const now = cpu(); console.log(name, (now - t).toFixed(2)); t = now }
const world = drawGateway({ nEndpoints: 30, seed: Number(process.argv[2] ?? 1), days: 7 })
lap('draw')
const rows = world.gateway.slice(0, world.historyMinutes)
const { model: gateway } = fitOurs(rows)
lap('gateway fit')
const clock = clockOf(gateway, rows.map((r) => r.timestampMs))
lap('clock')
const fits = world.endpoints.map((e) => fitEndpoint(clock, e))
lap('30 endpoints')
for (const f of fits) { const x = f.expectations; console.log(f.endpoint.padEnd(24), f.requestsPerSecond.toFixed(3), f.minutes, ...['requests_per_second', 'avg_latency_ms', 'p95_latency_ms', 'error_rate'].map((k) => { const n = (x as any)[k].noise; return `${n.sigma.toFixed(3)}/${n.sampling.toFixed(2)}/${n.memory.toFixed(1)}/${n.up.toFixed(2)}/${n.down.toFixed(2)}` }), x.requests_per_second.usual.season.minuteOfDay ? 'jobs' : '', x.requests_per_second.usual.season.slotOfWeek ? 'week' : '') }
