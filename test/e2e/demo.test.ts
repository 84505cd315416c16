import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { eventually } from '../eventually.js'
import { createRandom } from '../../models/statistics/random.js'
import { startGateway, type FinishedRequest } from '../../scripts/demo/gateway.js'
import { startLoad } from '../../scripts/demo/load.js'
import { createRecorder, type RequestRow } from '../../scripts/demo/recorder.js'
import { choosePort } from '../../scripts/demo/service.js'

const random = (seed: number) => createRandom(seed)

t.test('requests over HTTP become rows and reports that agree', async (t) => {
  const rows: RequestRow[] = []
  const clock = { startMs: performance.now(), epochMs: Date.UTC(2026, 0, 5) }
  const recorder = createRecorder(clock, async (more) => rows.push(...more))
  const gateway = await startGateway({ random: random(1), onFinished: recorder.record })
  t.teardown(() => gateway.close())
  const load = startLoad({ port: gateway.port, rateAt: () => 60, random: random(2) })
  await eventually(() => load.counts.sent >= 80)
  await load.stop()

  const minutes = Math.ceil((performance.now() - clock.startMs) / 1000)
  const reports = Array.from({ length: minutes }, (_, minute) => recorder.closeMinute(minute))
  await recorder.flush()
  const { sent, answered, broken, skipped } = load.counts
  t.ok(sent >= 80, 'the schedule was kept')
  t.match({ answered, broken, skipped }, { answered: sent, broken: 0, skipped: 0 })
  t.equal(rows.length, sent)
  t.equal(
    reports.reduce((sum, report) => sum + report.total_requests, 0),
    sent,
  )
  t.ok(reports[0]!.avg_latency_ms >= 15 && reports[0]!.p99_latency_ms >= reports[0]!.p95_latency_ms)
  t.same([...new Set(rows.map((row) => row.backend_name))].sort(), [
    'accounts',
    'catalogue',
    'orders',
    'search',
  ])
  t.ok(rows.every((row) => [200, 201, 503].includes(row.status_code)))
  t.ok(rows.every((row) => /^user-\d+$/.test(row.user_id!) && row.ip_address === '127.0.0.1'))
})

t.test('faults show in what the gateway reports', async (t) => {
  const finished: FinishedRequest[] = []
  const gateway = await startGateway({ random: random(1), onFinished: (request) => finished.push(request) })
  t.teardown(() => gateway.close())
  gateway.setFault({ slowness: 8, errorShare: 1 })
  const load = startLoad({ port: gateway.port, rateAt: () => 100, random: random(2) })
  await eventually(() => finished.length > 0)
  await load.stop()
  t.ok(finished.length > 0)
  t.ok(finished.every(({ status, durationMs }) => status === 503 && durationMs > 100))

  finished.length = 0
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/elsewhere`)
  await answer.text()
  t.equal(answer.status, 404)
  t.match(finished, [{ path: '/elsewhere', status: 404, backend: 'none' }])
})

t.test('the load does not wait for answers, and is bounded', async (t) => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const sockets = new Set<Socket>()
  silent.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)))
  const load = startLoad({ port, rateAt: () => 2000, random: random(2) })
  await eventually(() => load.counts.skipped > 0)
  t.match(load.counts, { sent: 500, answered: 0, broken: 0 })
  t.ok(load.counts.skipped > 0)
  const stopped = load.stop()
  silent.close()
  for (const socket of sockets) socket.destroy()
  // Connections the kernel had accepted but the server had not seen end with the server.
  silent.on('connection', (socket) => socket.destroy())
  await stopped
  t.match(load.counts, { sent: 500, answered: 0, broken: 500 })
})

t.test('another port is chosen when the usual one is taken', async (t) => {
  const blocker = createServer()
  const held = await new Promise<boolean>((resolve) => {
    blocker.once('error', () => resolve(false))
    blocker.listen(5000, '127.0.0.1', () => resolve(true))
  })
  const port = await choosePort()
  t.ok(port > 0 && port !== 5000)
  if (held) await new Promise((resolve) => blocker.close(resolve))
})
