import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom, type Random } from '../../../models/statistics/random.js'
import { get, type JsonAnswer } from '../../e2e/process.js'
import { eventually } from '../../eventually.js'
import type { Fault } from './faults.js'
import { untilReady } from '../ready.js'
import type { Scene } from './scene.js'
import { allWriters, type Writer } from './writers.js'

export interface FaultOptions {
  readonly seed: number
  /** How many faults, drawn among these: each comes before any comes again. */
  readonly count: number
  readonly among: readonly Fault[]
  readonly signal?: AbortSignal
  progress?(round: Round): void
}

export interface Round {
  readonly fault: string
  /** From the end of the fault until the service is ready and takes each kind of write again. */
  readonly readyMs: number
  readonly writingMs: number
  readonly violations: readonly string[]
  /** Of the process of the service. */
  readonly descriptors: number
  readonly memory: number
  readonly acknowledged: number
}

/** Injects faults at random moments under writes, and looks after each whether every promise was kept. */
export async function runFaults(
  scene: Scene,
  { seed, count, among, signal, progress }: FaultOptions,
): Promise<Round[]> {
  const random = createRandom(seed)
  const order = draw(count, among, random)
  const writers = allWriters()
  const rounds: Round[] = []
  for (const fault of order) {
    if (signal?.aborted) break
    const round = await runRound(scene, fault, writers, random)
    rounds.push(round)
    progress?.(round)
  }
  return rounds
}

function draw(count: number, among: readonly Fault[], random: Random): Fault[] {
  const drawn: Fault[] = []
  while (drawn.length < count && among.length > 0) {
    const rest = [...among]
    while (rest.length > 0) drawn.push(...rest.splice(random.integer(rest.length), 1))
  }
  return drawn.slice(0, count)
}

async function runRound(
  scene: Scene,
  fault: Fault,
  writers: readonly Writer[],
  random: Random,
): Promise<Round> {
  const stop = new AbortController()
  let acknowledged = 0
  const writing = writers.map((writer) => {
    return keepWriting(
      scene,
      writer,
      createRandom(random.integer(2 ** 31)),
      stop.signal,
      () => acknowledged++,
    )
  })
  await delay(random.uniform() * 800)
  await fault.inject(scene, random)
  const since = performance.now()
  await untilReady(scene.service)
  const readyMs = performance.now() - since
  await delay(100)
  stop.abort()
  const hung = await Promise.all(writing)
  const writingSince = performance.now()
  const stuck = await Promise.all(writers.map((writer) => takesWrites(scene, writer, random)))
  const writingMs = performance.now() - writingSince
  const violations = [...hung.flat(), ...stuck.flat()]
  for (const writer of writers) violations.push(...(await writer.check(scene.sql)))
  violations.push(...(await healthProblems(scene)))
  return { fault: fault.name, readyMs, writingMs, violations, acknowledged, ...(await resources(scene)) }
}

/** Writes, one after the other, until the signal. What gets no answer was not acknowledged. @returns what hung */
async function keepWriting(
  scene: Scene,
  writer: Writer,
  random: Random,
  signal: AbortSignal,
  onAcknowledged: () => void,
): Promise<string[]> {
  while (!signal.aborted) {
    const answer = await answered(writer, scene.service.url, random)
    if (answer === HANGS) return [`${writer.name}: no answer within ${ANSWER_LIMIT_MS / 1000} s`]
    if (answer !== undefined && answer.status < 300) onAcknowledged()
    else await delay(20)
  }
  return []
}

/** The answer of a write; undefined when the connection broke. */
async function answered(
  writer: Writer,
  url: string,
  random: Random,
): Promise<JsonAnswer | typeof HANGS | undefined> {
  const timer = new AbortController()
  const writing = writer.write(url, random).catch(() => undefined)
  const tooLong = delay<typeof HANGS>(ANSWER_LIMIT_MS, HANGS, { signal: timer.signal }).catch(
    (): typeof HANGS => HANGS,
  )
  try {
    return await Promise.race([writing, tooLong])
  } finally {
    timer.abort()
  }
}

/** Whoever waits for longer, hangs. */
const ANSWER_LIMIT_MS = 90_000
const HANGS = 'hangs'

const WRITE_LIMIT_MS = 30_000

/** Each kind of write succeeds again, without a hand. */
async function takesWrites(scene: Scene, writer: Writer, random: Random): Promise<string[]> {
  let last = 'no answer'
  try {
    await eventually(
      async () => {
        const answer = await writer.write(scene.service.url, random).catch(() => undefined)
        last =
          answer === undefined
            ? 'no answer'
            : `${answer.status} ${answer.body.code ?? ''} ${answer.body.message ?? ''}`
        return answer !== undefined && answer.status < 300
      },
      { limitMs: WRITE_LIMIT_MS, pauseMs: 50 },
    )
    return []
  } catch {
    return [`${writer.name}: no write succeeds any more (${last})`]
  }
}

async function healthProblems({ service }: Scene): Promise<string[]> {
  try {
    await eventually(async () => (await get(`${service.url}/health`)).body.data['status'] === 'healthy', {
      limitMs: 20_000,
    })
    return []
  } catch {
    const { body } = await get(`${service.url}/health`)
    return [`not healthy: ${JSON.stringify(body.data)}`]
  }
}

async function resources({ service }: Scene) {
  const { pid } = service.child
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const descriptors = (await readdir(`/proc/${pid}/fd`)).length
  return { descriptors, memory: 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) }
}
