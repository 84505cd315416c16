import { Agent } from 'node:http'
import fc from 'fast-check'
import { post } from '../../e2e/process.js'
import { startProber, type Probes } from '../prober.js'
import { send } from './client.js'
import { readContract } from './contract.js'
import type { Installation, Stall } from './installation.js'
import { KnownIds } from './known-ids.js'
import { createOracle } from './oracle.js'
import type { FuzzRequest } from './request.js'
import { anyRequest } from './requests.js'

export interface FuzzOptions {
  readonly requests: number
  readonly seed: number
  /** Ends the run early, after the requests that are under way. */
  readonly signal?: AbortSignal
  progress?(done: { sent: number; violations: number; memory: number }): void
  onViolation?(violation: Violation): void
}

export interface Violation {
  readonly problem: string
  readonly operationId: string
  readonly mutation: string | undefined
  /** A command that shows it. */
  readonly curl: string
  readonly answer: string
}

export interface FuzzReport {
  readonly requests: number
  readonly operations: number
  /** How many requests had an answer of each status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly violations: readonly Violation[]
  /** Memory after the first thousand requests, at the end, and the most seen, in bytes. */
  readonly memory: { readonly early: number; readonly end: number; readonly max: number }
  readonly stalls: {
    readonly over50: number
    readonly longestMs: number
    readonly worst: readonly WorstStall[]
  }
  readonly probes: Probes
}

interface WorstStall {
  readonly busyMs: number
  /** What was being answered. */
  readonly during: readonly string[]
}

interface Answered {
  readonly startedAt: number
  readonly endedAt: number
  readonly what: string
}

const CONCURRENT = 4
const CHUNK = 250
/** After so many requests the service has seen everything once. */
const EARLY = 1_000
const MAX_VIOLATIONS = 50
const RECENT = 2_000
const MAX_STALL_MS = 50
const MAX_WORST = 30

/** Sends generated requests, half of them invalid, and checks every answer against the contract. */
export async function runFuzz(installation: Installation, options: FuzzOptions): Promise<FuzzReport> {
  const prober = startProber(installation.service.url)
  const run = new FuzzRun(installation, options)
  await run.sendAll()
  return { ...(await run.report()), probes: await prober.stop() }
}

class FuzzRun {
  readonly #installation: Installation
  readonly #options: FuzzOptions
  readonly #contract = readContract()
  readonly #problemOf = createOracle(this.#contract)
  readonly #known = new KnownIds()
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT })
  readonly #statuses: Record<string, number> = {}
  readonly #asked = new Set<string>()
  readonly #violations: Violation[] = []
  readonly #worst: WorstStall[] = []
  #recent: Answered[] = []
  #sent = 0
  #stallsSeen = 0
  #over50 = 0
  #longestMs = 0
  readonly #memory = { early: 0, max: 0 }

  constructor(installation: Installation, options: FuzzOptions) {
    this.#installation = installation
    this.#options = options
  }

  async sendAll(): Promise<void> {
    const { requests, seed, signal, progress } = this.#options
    const arbitrary = anyRequest(this.#contract, this.#known)
    this.#stallsSeen = (await this.#installation.stalls()).length
    for (let chunk = 0; this.#sent < requests && !signal?.aborted; chunk++) {
      const numRuns = Math.min(CHUNK, requests - this.#sent)
      await this.#sendChunk(fc.sample(arbitrary, { numRuns, seed: seed + chunk }))
      await this.#lookAtStalls()
      const memory = await this.#installation.memory()
      this.#memory.max = Math.max(this.#memory.max, memory)
      if (this.#sent <= EARLY) this.#memory.early = memory
      progress?.({ sent: this.#sent, violations: this.#violations.length, memory })
    }
    this.#agent.destroy()
  }

  async report(): Promise<Omit<FuzzReport, 'probes'>> {
    return {
      ...{ requests: this.#sent, operations: this.#asked.size },
      ...{ statuses: this.#statuses, violations: this.#violations },
      memory: { ...this.#memory, end: await this.#installation.memory() },
      stalls: { over50: this.#over50, longestMs: Math.round(this.#longestMs), worst: this.#worst },
    }
  }

  async #sendChunk(drawn: FuzzRequest[]): Promise<void> {
    this.#sent += drawn.length
    const senders = Array.from({ length: CONCURRENT }, async () => {
      for (let next = drawn.shift(); next !== undefined; next = drawn.shift()) await this.#ask(next)
    })
    await Promise.all(senders)
  }

  async #ask(request: FuzzRequest): Promise<void> {
    const { url } = this.#installation.service
    const { operation, method, mutation } = request
    const startedAt = Date.now()
    this.#asked.add(operation.operationId)
    try {
      const answer = await send(new URL(url), this.#agent, request)
      this.#statuses[answer.status] = (this.#statuses[answer.status] ?? 0) + 1
      const problem = this.#problemOf(request, answer)
      if (problem !== undefined) this.#enter(request, problem, answer.body.toString().slice(0, 500))
      else if (answer.status < 300) this.#learn(request, answer.body)
      // Without a model most operations would only say so.
      if (operation.operationId === 'resetModels' && answer.status === 200) await post(`${url}/model/load`)
    } catch (error) {
      this.#enter(request, `no answer: ${(error as Error).message}`, '')
    }
    const what = `${method} ${request.url.slice(0, 100)} (${mutation ?? 'valid'})`
    this.#recent.push({ startedAt, endedAt: Date.now(), what })
  }

  #learn({ operation }: FuzzRequest, body: Buffer): void {
    try {
      this.#known.learn(operation.operationId, (JSON.parse(body.toString()) as { data: unknown }).data)
    } catch {
      // A file or an event stream names nothing.
    }
  }

  #enter(request: FuzzRequest, problem: string, answer: string): void {
    if (this.#violations.length >= MAX_VIOLATIONS) return
    const { operation, mutation } = request
    const curl = curlOf(this.#installation.service.url, request)
    const violation = { problem, operationId: operation.operationId, mutation, curl, answer }
    this.#violations.push(violation)
    this.#options.onViolation?.(violation)
  }

  async #lookAtStalls(): Promise<void> {
    const all = await this.#installation.stalls()
    for (const stall of all.slice(this.#stallsSeen)) {
      this.#longestMs = Math.max(this.#longestMs, stall.busyMs)
      if (stall.busyMs < MAX_STALL_MS) continue
      this.#over50++
      this.#worst.push({ busyMs: Math.round(stall.busyMs), during: during(stall, this.#recent) })
      this.#worst.sort((a, b) => b.busyMs - a.busyMs).splice(MAX_WORST)
    }
    this.#stallsSeen = all.length
    this.#recent = this.#recent.slice(-RECENT)
  }
}

function during({ at, busyMs }: Stall, answered: readonly Answered[]): string[] {
  return answered
    .filter(({ startedAt, endedAt }) => startedAt <= at && endedAt >= at - busyMs - 5)
    .map(({ what }) => what)
}

function curlOf(url: string, { method, url: path, headers, body }: FuzzRequest): string {
  const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`
  const isText = body !== undefined && Buffer.from(body.toString()).equals(body) && !body.includes(0)
  const data =
    body === undefined
      ? []
      : isText
        ? ['--data-binary', quoted(body.toString().slice(0, 2000))]
        : ['--data-binary', `@<(echo ${body.toString('base64').slice(0, 2000)} | base64 -d)`]
  const flags = Object.entries(headers).flatMap(([name, value]) => [
    '-H',
    quoted(`${name}: ${value.slice(0, 200)}`),
  ])
  return ['curl', '-gi', '-X', method, quoted(`${url}${path.slice(0, 3000)}`), ...flags, ...data].join(' ')
}
