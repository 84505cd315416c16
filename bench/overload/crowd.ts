import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { latencyAt, type Target } from './load.js'
import { startProbing } from './probe.js'
import { startMeasuredService, type MeasuredService } from './service.js'
import { requestText } from './connection.js'

const HELP = `Usage: node dist/bench/overload/crowd.js [case …]

Sends the service what many or hostile callers send, one case after the other, and prints beside each how long
/health/live takes, what was answered, and the memory of the service.
`
const SLOW_CONNECTIONS = 10_000
const PAUSE_MS = 2_000
const SLOW_SECONDS = 75
const CROWD = 200
const CROWD_SECONDS = 10

/** Counts of what happened, by name. */
type Tally = Map<string, number>

const cases: Readonly<Record<string, (target: Target, tally: Tally) => Promise<void>>> = {
  'slow headers': (target, tally) =>
    slowSenders(target, tally, 'GET /version HTTP/1.1\r\nhost: a\r\nx-slow: '),
  'slow bodies': (target, tally) =>
    slowSenders(
      target,
      tally,
      'POST /detect HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10000\r\n\r\n',
    ),
  'silent connections': (target, tally) => slowSenders(target, tally, ''),
  'event streams': (target, tally) => crowd(target, tally, requestText('GET', '/incidents/stream')),
  'model resets': (target, tally) => crowd(target, tally, requestText('POST', '/model/reset')),
  'model loads': (target, tally) => crowd(target, tally, requestText('POST', '/model/load')),
  'all limits': (target, tally) => crowd(target, tally, requestText('POST', '/optimize/all')),
  exports: (target, tally) => crowd(target, tally, requestText('GET', '/export/training-data?days=90')),
  'synthetic data': (target, tally) =>
    crowd(target, tally, requestText('POST', '/generate/synthetic', { duration_hours: 2000 })),
  sensitivity: (target, tally) => crowd(target, tally, requestText('GET', '/model/sensitivity')),
  health: (target, tally) => crowd(target, tally, requestText('GET', '/health')),
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean' } },
    allowPositionals: true,
  })
  const unknown = positionals.find((name) => !Object.hasOwn(cases, name))
  if (values.help || unknown !== undefined) {
    return void process.stdout.write(`${HELP}\nCases: ${Object.keys(cases).join(', ')}\n`)
  }
  const service = await startMeasuredService({ RATE_LIMIT: 'off' })
  try {
    for (const name of positionals.length > 0 ? positionals : Object.keys(cases)) await run(service, name)
  } finally {
    await service.stop()
  }
}

async function run(service: MeasuredService, name: string): Promise<void> {
  const tally: Tally = new Map()
  const probing = startProbing(service, 50)
  await cases[name]!(service, tally)
  const { times, failures } = await probing.stop()
  const counts = [...tally].map(([what, count]) => `${count} × ${what}`).join(', ')
  const ms = (share: number) => `${latencyAt(times, share).toFixed(0)} ms`
  const { now, peak } = service.memory()
  console.log(
    `${name}: /health/live ${times.length} probes, ${failures} failed, p50 ${ms(0.5)}, p99 ${ms(0.99)}, longest ${ms(1)}; memory ${now.toFixed(0)} MB, at most ${peak.toFixed(0)} MB; ${counts}`,
  )
}

/** Each connection sends a byte every two seconds. */
async function slowSenders({ host, port }: Target, tally: Tally, text: string): Promise<void> {
  const sockets: Socket[] = []
  for (let i = 0; i < SLOW_CONNECTIONS; i++) {
    const socket = connect({ host, port })
    sockets.push(socket)
    watch(socket, tally)
    socket.once('connect', () => text !== '' && socket.write(text))
    if (i % 100 === 99) await delay(20)
  }
  const untilMs = performance.now() + SLOW_SECONDS * 1000
  while (performance.now() < untilMs) {
    await delay(PAUSE_MS)
    if (text !== '') for (const each of sockets) if (!each.destroyed) each.write('x')
  }
  add(tally, 'still open', sockets.filter((each) => !each.destroyed).length)
  for (const each of sockets) each.destroy()
}

/** The same request on many connections at once. */
async function crowd({ host, port }: Target, tally: Tally, request: Buffer): Promise<void> {
  const sockets = Array.from({ length: CROWD }, () => connect({ host, port }))
  for (const each of sockets) {
    watch(each, tally)
    each.once('connect', () => each.write(request))
  }
  const untilMs = performance.now() + CROWD_SECONDS * 1000
  const answered = () => [...tally.values()].reduce((sum, count) => sum + count, 0)
  while (performance.now() < untilMs && answered() < CROWD) await delay(50)
  await delay(1000)
  for (const each of sockets) each.destroy()
}

function watch(socket: Socket, tally: Tally): void {
  let isAnswered = false
  socket.on('data', (chunk: Buffer) => {
    if (!isAnswered) add(tally, `status ${chunk.toString('latin1', 9, 12)}`)
    isAnswered = true
  })
  socket.on('error', ({ code }: NodeJS.ErrnoException) => add(tally, code ?? 'error'))
  socket.once('end', () => {
    if (!isAnswered) add(tally, 'closed without an answer')
  })
}

function add(tally: Tally, what: string, count = 1): void {
  tally.set(what, (tally.get(what) ?? 0) + count)
}

await main()
