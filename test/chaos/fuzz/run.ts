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

/** Sends generated requests, half of them invalid, and checks every answer against the contract. */
export async function runFuzz(
  { service, memory, stalls }: Installation,
  { requests, seed, signal, progress }: FuzzOptions,
): Promise<FuzzReport> {
  const contract = readContract()
  const problemOf = createOracle(contract)
  const known = new KnownIds()
  const arbitrary = anyRequest(contract, known)
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT })
  const url = new URL(service.url)
  const statuses: Record<string, number> = {}
  const asked = new Set<string>()
  const violations: Violation[] = []
  let recent: Answered[] = []
  const worst: WorstStall[] = []
  let [sentCount, over50, longestMs, stallsSeen] = [0, 0, 0, (await stalls()).length]
  let early = await memory()
  let max = early

  async function ask(request: FuzzRequest): Promise<void> {
    const startedAt = Date.now()
    asked.add(request.operation.operationId)
    try {
      const answer = await send(url, agent, request)
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
      const problem = problemOf(request, answer)
      if (problem !== undefined) report(request, problem, answer.body.toString().slice(0, 500))
      else if (answer.status < 300) learn(request, answer.body)
      if (request.operation.operationId === 'resetModels' && answer.status === 200)
        await post(`${service.url}/model/load`)
    } catch (error) {
      report(request, `no answer: ${(error as Error).message}`, '')
    }
    recent.push({
      startedAt,
      endedAt: Date.now(),
      what: `${request.method} ${request.url.slice(0, 100)} (${request.mutation ?? 'valid'})`,
    })
  }

  function learn({ operation }: FuzzRequest, body: Buffer): void {
    try {
      known.learn(operation.operationId, (JSON.parse(body.toString()) as { data: unknown }).data)
    } catch {
      // A file or an event stream names nothing.
    }
  }

  function report(request: FuzzRequest, problem: string, answer: string): void {
    const { operation, mutation } = request
    if (violations.length < MAX_VIOLATIONS)
      violations.push({
        problem,
        operationId: operation.operationId,
        mutation,
        curl: curlOf(service.url, request),
        answer,
      })
  }

  async function lookAtStalls(): Promise<void> {
    const all = await stalls()
    for (const stall of all.slice(stallsSeen)) {
      longestMs = Math.max(longestMs, stall.busyMs)
      if (stall.busyMs < 50) continue
      over50++
      worst.push({ busyMs: Math.round(stall.busyMs), during: during(stall, recent) })
      worst.sort((a, b) => b.busyMs - a.busyMs).splice(30)
    }
    stallsSeen = all.length
    recent = recent.slice(-RECENT)
  }

  const prober = startProber(service.url)
  for (let chunk = 0; sentCount < requests && !signal?.aborted; chunk++) {
    const drawn = fc.sample(arbitrary, { numRuns: Math.min(CHUNK, requests - sentCount), seed: seed + chunk })
    sentCount += drawn.length
    const senders = Array.from({ length: CONCURRENT }, async () => {
      for (let next = drawn.shift(); next !== undefined; next = drawn.shift()) await ask(next)
    })
    await Promise.all(senders)
    await lookAtStalls()
    max = Math.max(max, await memory())
    if (sentCount <= EARLY) early = await memory()
    progress?.({ sent: sentCount, violations: violations.length, memory: await memory() })
  }
  agent.destroy()
  const probes = await prober.stop()
  return {
    ...{ requests: sentCount, operations: asked.size, statuses, violations, probes },
    memory: { early, end: await memory(), max },
    stalls: { over50, longestMs: Math.round(longestMs), worst },
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
