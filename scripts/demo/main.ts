import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient, type Client } from '@aegis/ml-client'
import { createRandom } from '../../models/statistics/random.js'
import { HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { openDatabase, type DemoDatabase } from './database.js'
import { createGateway, ENDPOINTS, type SimulatedGateway } from './gateway.js'
import { figuresOf, insertRequests } from './log.js'
import { createPaint, formatArrival, formatMinute, formatNextSteps, formatOutcome } from './print.js'
import { startReceiver, type Receiver } from './receiver.js'
import { Screen } from './screen.js'
import { choosePort, startService, type Service } from './service.js'
import { HISTORY_MINUTES, judgeStory, PHASES, startOf } from './story.js'

const HELP = `Usage: npm run demo -- [--once]

Starts the service on an empty database in ./data/demo, and a simulated gateway of thirty endpoints, which only writes its
log. One endpoint becomes slow, and one client floods another. The demo shows the incidents, the notifications that arrive,
and the limit that is proposed against the flood. One second of real time is one minute of the log. The demo takes about
two minutes.

  --once   exit when the demo is over: 0 if there was one incident for each of the two, with its endpoint first, if start
           and end were notified, and if everything else stayed quiet; 1 otherwise
  --help   show this help

Without --once, the service keeps running until you press Ctrl-C. Set NO_COLOR to turn off colours.
`
const DATA_PATH = resolve('data/demo')
const HOURS_AGO = 3
const SEED = 1
const SECOND_MS = 1000
/** How long the last minutes may take to be judged, and their notifications to arrive. */
const PATIENCE_MS = 30_000
const POLL_MS = 200

const startedMs = performance.now()
const paint = createPaint(process.stdout.isTTY, process.env['NO_COLOR'])
const say = (text = '') => console.log(text)
const secondsSince = (sinceMs: number) => (performance.now() - sinceMs) / SECOND_MS

interface Stage {
  readonly database: DemoDatabase
  readonly service: Service
  readonly client: Client
  readonly gateway: SimulatedGateway
  readonly screen: Screen
  /** When the first minute of the log begins. */
  readonly logStartMs: number
  /** Ends the demo early. */
  readonly signal: AbortSignal
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  const unknown = args.find((arg) => arg !== '--once')
  if (unknown !== undefined) {
    process.stderr.write(`Unknown argument ${unknown}.\n\n${HELP}`)
    return 2
  }
  return run(args.includes('--once'))
}

async function run(once: boolean): Promise<number> {
  const interrupted = untilInterrupted()
  const abort = new AbortController()
  /** Run in reverse order. */
  const cleanup: (() => unknown)[] = []
  try {
    const stage = setStage(cleanup, abort.signal)
    const story = stage.then(async (stage) => {
      await tellStory(stage)
      return stage
    })
    cleanup.push(() => story.catch(() => undefined))
    const died = stage.then(({ service }) => service.died)
    const told = await Promise.race([story, died, interrupted])
    if (told === 'interrupted') return 130
    const passed = report(told)
    if (once) return passed ? 0 : 1
    sayWhatIsNext(told)
    await Promise.race([died, interrupted])
    return 0
  } catch (error) {
    process.stderr.write(`\n${paint('red', 'The demo failed.')} ${(error as Error).message}\n`)
    return 1
  } finally {
    abort.abort(new Error('The demo is stopping.'))
    say('\nStopping the service and its database.')
    for (const end of cleanup.reverse()) await end()
  }
}

/**
 * Resolves at the first signal, or when the reader of the output closes the pipe. Later signals are ignored, because
 * the demo is already stopping.
 */
function untilInterrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve('interrupted'))
    }
    process.stdout.on('error', () => resolve('interrupted'))
  })
}

/** Starts the receiver of notifications, the database and the service. */
async function setStage(cleanup: (() => unknown)[], signal: AbortSignal): Promise<Stage> {
  const screen = new Screen({ paint, say, secondsSinceStart: () => secondsSince(startedMs) })
  const receiver = await startReceiver((arrival) => {
    screen.arrived(arrival)
    say(formatArrival(arrival, paint))
  })
  cleanup.push(() => receiver.close())
  say(`Starting the service on an empty database in ${DATA_PATH} …`)
  const onWarning = (message: string) => say(paint('dim', `  service: ${message}`))
  const database = await openDatabase(DATA_PATH, onWarning)
  cleanup.push(() => database.stop())
  const service = await openService(database, receiver, onWarning)
  cleanup.push(() => service.stop())
  const client = createClient({ baseUrl: service.url })
  cleanup.push(screen.follow(client))
  const logStartMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - HOURS_AGO * HOUR_MS
  const gateway = createGateway(createRandom(SEED))
  return { database, service, client, gateway, screen, logStartMs, signal }
}

async function openService(
  database: DemoDatabase,
  receiver: Receiver,
  onWarning: (message: string) => void,
): Promise<Service> {
  const port = await choosePort()
  if (port !== 5000) say(`Port 5000 is in use. The service listens on port ${port} instead.`)
  const modelPath = join(DATA_PATH, 'models')
  await rm(modelPath, { recursive: true, force: true })
  const settings = {
    ...database.settings,
    DATA_PATH,
    MODEL_PATH: modelPath,
    WATCH: 'on', // however old the log is
    WEBHOOK_URLS: receiver.url,
    WEBHOOK_SECRET: receiver.secret,
  }
  const service = await startService({ port, settings, onWarning })
  say(`The service runs on ${paint('cyan', service.url)}. Notifications go to ${receiver.url}.`)
  return service
}

async function tellStory(stage: Stage): Promise<void> {
  await writeHistory(stage)
  await train(stage)
  const sinceMs = performance.now()
  for (const [index, phase] of PHASES.entries()) {
    say(`\n${paint('bold', phase.title)}`)
    for (let offset = 0; offset < phase.minutes; offset++) {
      const minute = startOf(index) + offset
      const dueMs = sinceMs + (minute - HISTORY_MINUTES + 1) * SECOND_MS
      await delay(Math.max(0, dueMs - performance.now()), undefined, { signal: stage.signal })
      await writeMinute(stage, minute)
    }
  }
  await untilAllIsTold(stage)
}

async function writeHistory({ database, gateway, logStartMs }: Stage): Promise<void> {
  const sinceMs = performance.now()
  let count = 0
  for (let minute = 0; minute < HISTORY_MINUTES; minute++) {
    const rows = gateway.minute(logStartMs + minute * MINUTE_MS)
    await insertRequests(database.sql, rows)
    count += rows.length
  }
  say(`\n${paint('bold', `An hour and a half of history of ${ENDPOINTS.length} endpoints`)}`)
  say(
    `  ${count} simulated requests, written to the table request_logs in ${secondsSince(sinceMs).toFixed(1)} s.`,
  )
}

/** The service trains by itself two minutes after its start. The demo does not wait for that. */
async function train({ client, signal }: Stage): Promise<void> {
  const sinceMs = performance.now()
  await client.train({ days: 1 }, { signal })
  for (;;) {
    const { watcher } = await client.listSources({ limit: 1 }, { signal })
    if (watcher.state === 'watching' && watcher.endpoints > 0) break
    await delay(POLL_MS, undefined, { signal })
  }
  say(
    `  Trained, and each endpoint fitted, in ${secondsSince(sinceMs).toFixed(1)} s. From here on, the gateway only writes its log:`,
  )
  say('  one minute of it each second.')
}

async function writeMinute({ database, gateway, logStartMs }: Stage, minute: number): Promise<void> {
  const phase = PHASES.findLastIndex((_, index) => startOf(index) <= minute)
  const timeMs = logStartMs + minute * MINUTE_MS
  const rows = gateway.minute(timeMs, PHASES[phase]!.trouble)
  await insertRequests(database.sql, rows)
  say(formatMinute(timeMs, figuresOf(rows), paint))
}

/** Waits for the last minutes to be judged, and for what is told of them. */
async function untilAllIsTold({ client, screen, logStartMs, signal }: Stage): Promise<void> {
  const lastMs = logStartMs + (startOf(PHASES.length) - 1) * MINUTE_MS
  const limitMs = performance.now() + PATIENCE_MS
  while (performance.now() < limitMs) {
    const { watcher } = await client.listSources({ limit: 1 }, { signal })
    const isJudged = watcher.judged_to !== null && Date.parse(watcher.judged_to) >= lastMs
    if (isJudged && screen.isSettled()) return
    await delay(POLL_MS, undefined, { signal })
  }
}

/** Prints the result. Returns true if the service passed. */
function report({ screen, logStartMs }: Stage): boolean {
  const outcomes = judgeStory(screen.incidents(), logStartMs)
  say(`\n${paint('bold', 'Result')}`)
  for (const outcome of outcomes) say(formatOutcome(outcome, paint))
  const passed = outcomes.every((outcome) => outcome.passed)
  const all = 'Each trouble was one incident with the right endpoint first, and everything else stayed quiet.'
  say(passed ? paint('green', all) : paint('red', 'The service missed something. See the lines above.'))
  return passed
}

function sayWhatIsNext({ service, screen, logStartMs }: Stage): void {
  const flood = screen.incidents().find(({ hasLimit }) => hasLimit)?.id
  const slow = PHASES.find(({ trouble }) => trouble.slow)!.expected!.endpoint
  const from = new Date(logStartMs + HISTORY_MINUTES * MINUTE_MS)
  say(`\n${formatNextSteps(service.url, { flood, endpoint: slow, from }, paint)}`)
  say(
    '\nThe log has ended: within a minute, the service reports that too. It keeps running until you press Ctrl-C.',
  )
}

process.exitCode = await main(process.argv.slice(2))
