import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { readEmbeddedConnection } from '../../db/embedded/embedded-postgres.js'
import { createRandom } from '../../models/statistics/random.js'
import { startGateway, type Gateway } from './gateway.js'
import { startLoad } from './load.js'
import {
  createPaint,
  createProgress,
  formatMinute,
  formatNextSteps,
  formatOutcome,
  type Verdict,
} from './print.js'
import {
  createRecorder,
  endOfMinute,
  forgetRequests,
  insertRequests,
  type MinuteReport,
  type Recorder,
  type VirtualClock,
} from './recorder.js'
import { choosePort, startService, type Service } from './service.js'
import {
  HISTORY_MINUTES,
  isTail,
  judgeStory,
  NO_FAULT,
  PHASES,
  quietRate,
  type JudgedMinute,
} from './story.js'

const HELP = `Usage: npm run demo -- [--once]

Starts the service with a database of its own in ./data/demo and a small gateway with real HTTP traffic. Trains on the
recorded requests, injects four faults and prints every verdict. One second of real time is recorded as one minute.
The demo takes less than three minutes.

  --once   exit when the demo is over: 0 if every fault was found with its right type and no anomaly was
           confirmed in quiet traffic, 1 otherwise
  --help   show this help

Without --once, the service keeps running until you press Ctrl-C. Set NO_COLOR to turn off colours.
`
const DATA_PATH = resolve('data/demo')
const WARM_UP_MS = 3000
const HOURS_AGO = 12
const SEED = 1
const SOURCE = 'demo'
const TAIL_NOTE = 'The last requests of the fault end in this minute, so it does not count.'

const paint = createPaint(process.stdout.isTTY, process.env['NO_COLOR'])
const say = (text = '') => console.log(text)

/** Cleanup steps, run in reverse order. */
type Cleanup = (() => Promise<unknown>)[]

interface Stage {
  readonly service: Service
  readonly gateway: Gateway
  readonly clock: VirtualClock
  readonly recorder: Recorder
  /** Ends the demo early. */
  readonly signal: AbortSignal
  /** Sets the load as a multiple of the usual load. */
  setLoad(factor: number): void
}

interface Told {
  readonly minutes: JudgedMinute[]
  /** The last minute of quiet traffic that was judged normal. */
  readonly usual: MinuteReport
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
  const abort = new AbortController()
  const interrupted = untilInterrupted()
  let service: Service | undefined
  let story: Promise<Told> | undefined
  try {
    service = await openService()
    const ends = [service.died, interrupted] as const
    story = tellStory(service, abort.signal)
    const told = await Promise.race([story, ...ends])
    if (told === 'interrupted') return 130
    const passed = report(told)
    if (once) return passed ? 0 : 1
    say(`\n${formatNextSteps(service.url, told.usual, paint)}`)
    say('\nThe traffic has ended. The service keeps running until you press Ctrl-C.')
    await Promise.race(ends)
    return 0
  } catch (error) {
    process.stderr.write(`\n${paint('red', 'The demo failed.')} ${(error as Error).message}\n`)
    return 1
  } finally {
    abort.abort()
    if (service) say('\nStopping the service and its database.')
    await story?.catch(() => undefined)
    await service?.stop()
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

async function openService(): Promise<Service> {
  const port = await choosePort()
  if (port !== 5000) say(`Port 5000 is in use. The service listens on port ${port} instead.`)
  say(`Starting the service with its own PostgreSQL in ${DATA_PATH} …`)
  const onWarning = (message: string) => say(paint('dim', `  service: ${message}`))
  const service = await startService({ port, dataPath: DATA_PATH, onWarning })
  say(`The service runs on ${paint('cyan', service.url)}.`)
  return service
}

async function tellStory(service: Service, signal: AbortSignal): Promise<Told> {
  const cleanup: Cleanup = []
  try {
    const stage = await setStage(service, cleanup, signal)
    await recordHistory(stage)
    await train(stage)
    return await liveTraffic(stage)
  } finally {
    for (const end of cleanup.reverse()) await end()
  }
}

/** Connects the database and starts gateway and load. Minute 0 begins after the warm-up. */
async function setStage(service: Service, cleanup: Cleanup, signal: AbortSignal): Promise<Stage> {
  const sql = postgres({ ...(await readEmbeddedConnection(DATA_PATH)), max: 1, onnotice: () => undefined })
  cleanup.push(() => sql.end({ timeout: 5 }))
  await forgetRequests(sql)
  const startMs = performance.now() + WARM_UP_MS
  const clock = { startMs, epochMs: wholeMinute(Date.now() - HOURS_AGO * 3_600_000) }
  const recorder = createRecorder(clock, (rows) => insertRequests(sql, rows))
  const gateway = await startGateway({ random: createRandom(SEED), onFinished: recorder.record })
  cleanup.push(() => gateway.close())
  let factor = 1
  const rateAt = (nowMs: number) => quietRate(nowMs - startMs) * factor
  const load = startLoad({ port: gateway.port, rateAt, random: createRandom(SEED + 1) })
  cleanup.push(() => load.stop())
  say(
    `The gateway on port ${gateway.port} is under load. Every request is recorded in the table request_logs.`,
  )
  return { service, gateway, clock, recorder, signal, setLoad: (next) => (factor = next) }
}

const wholeMinute = (timeMs: number) => Math.floor(timeMs / 60_000) * 60_000

async function untilEndOf(minute: number, { clock, signal }: Stage): Promise<void> {
  await delay(Math.max(0, endOfMinute(clock, minute) - performance.now()), undefined, { signal })
}

async function recordHistory(stage: Stage): Promise<void> {
  say(`\n${paint('bold', 'An hour of history')} (one second is recorded as one minute)`)
  const progress = createProgress(process.stdout.isTTY, (text) => process.stdout.write(text))
  for (let minute = 0; minute < HISTORY_MINUTES; minute++) {
    await untilEndOf(minute, stage)
    stage.recorder.closeMinute(minute)
    progress.update(minute + 1, HISTORY_MINUTES)
  }
  progress.end()
  await stage.recorder.flush()
}

async function train({ service }: Stage): Promise<void> {
  const { anomaly_detector: result } = await service.post<{
    anomaly_detector: { trained: boolean; samples: number; error?: string }
  }>('/train', { days: 7, models: ['anomaly'] })
  if (!result.trained) throw new Error(`The training failed: ${result.error}.`)
  say(`Trained on ${result.samples} minutes of traffic.`)
}

/** Runs the phases. The verdicts are requested in order, without delaying the clock. */
async function liveTraffic(stage: Stage): Promise<Told> {
  const { service, gateway, clock, recorder, setLoad } = stage
  const minutes: JudgedMinute[] = []
  let usual: MinuteReport | undefined
  let verdicts: Promise<void> = Promise.resolve()
  const judge = async (phase: number, offset: number, report: MinuteReport) => {
    const verdict = await service.post<Verdict>('/detect', { ...report, source: SOURCE })
    const { anomaly, anomaly_type: type, confirmed } = verdict
    if (offset === 0) say(`\n${paint('bold', PHASES[phase]!.title)}`)
    say(formatMinute(report, verdict, paint))
    if (anomaly && isTail(PHASES, phase, offset)) say(paint('dim', `         ${TAIL_NOTE}`))
    minutes.push({ phase, offset, anomaly, type, confirmed })
    if (!anomaly) usual = report
  }

  let minute = HISTORY_MINUTES
  for (; endOfMinute(clock, minute) <= performance.now(); minute++) recorder.closeMinute(minute)
  await untilEndOf(minute, stage)
  recorder.closeMinute(minute)
  for (const [index, phase] of PHASES.entries()) {
    gateway.setFault(phase.fault)
    setLoad(phase.load)
    for (let offset = 0; offset < phase.minutes; offset++) {
      await untilEndOf(++minute, stage)
      const report = recorder.closeMinute(minute)
      verdicts = verdicts.then(() => judge(index, offset, report))
      verdicts.catch(() => undefined) // awaited below
    }
  }
  gateway.setFault(NO_FAULT)
  await verdicts
  await recorder.flush()
  if (usual === undefined) throw new Error('No minute was judged normal.')
  return { minutes, usual }
}

/** Prints the result. Returns true if the service passed. */
function report({ minutes }: Told): boolean {
  const outcomes = judgeStory(PHASES, minutes)
  say(`\n${paint('bold', 'Result')}`)
  for (const outcome of outcomes) say(formatOutcome(outcome, paint))
  const passed = outcomes.every((outcome) => outcome.passed)
  const all = 'Every fault was found with its right type, and no anomaly was confirmed in quiet traffic.'
  say(passed ? paint('green', all) : paint('red', 'The service missed something. See the lines above.'))
  return passed
}

process.exitCode = await main(process.argv.slice(2))
