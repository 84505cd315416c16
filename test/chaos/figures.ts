import type { Round } from './faults/run.js'
import type { FuzzReport } from './fuzz/run.js'

/** What a run has found, to be read, and which promises were broken. */
export interface Figures {
  readonly text: string
  readonly problems: readonly string[]
}

/** The promises of docs/reliability.md. */
const MAX_GROWTH = 1.2
const MAX_STALL_MS = 50
const MAX_READY_MS = 10_000
/** The process may keep so many more descriptors than after its first fault: those of the pool, which fills up. */
const MAX_MORE_DESCRIPTORS = 30

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)

export function fuzzFigures({
  requests,
  operations,
  statuses,
  violations,
  memory,
  stalls,
  probes,
}: FuzzReport): Figures {
  const growth = memory.end / memory.early
  const text = [
    `${requests} requests over ${operations} operations`,
    `  answers by status: ${Object.entries(statuses)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', ')}`,
    `  outside of the contract: ${violations.length}`,
    `  memory after the first thousand and at the end: ${mebibytes(memory.early)} and ${mebibytes(memory.end)} MiB (${growth.toFixed(2)} times)`,
    `  event loop: longest stall ${stalls.longestMs} ms, ${stalls.over50} of more than ${MAX_STALL_MS} ms`,
    `  GET /health/live beside it: ${probes.count} times, p99 ${Math.round(probes.p99Ms)} ms, longest ${Math.round(probes.maxMs)} ms, ${probes.failed} without an answer`,
  ]
  const problems = [
    ...violations.map(({ problem, operationId, mutation, curl, answer }) =>
      [`${problem} (${operationId}, ${mutation ?? 'valid'})`, curl, answer].join('\n    '),
    ),
    ...(growth > MAX_GROWTH && requests > 1000
      ? [`memory: ${growth.toFixed(2)} times as much at the end`]
      : []),
    ...stalls.worst.map(
      ({ busyMs, during }) => `a stall of ${busyMs} ms during ${during.slice(0, 5).join('; ')}`,
    ),
    ...(probes.failed > 0 ? [`${probes.failed} probes without an answer`] : []),
  ]
  return { text: text.join('\n'), problems }
}

export function faultFigures(rounds: readonly Round[]): Figures {
  const ready = rounds.map(({ readyMs }) => readyMs).sort((a, b) => a - b)
  const acknowledged = rounds.reduce((total, round) => total + round.acknowledged, 0)
  const kinds = new Set(rounds.map(({ fault }) => fault)).size
  const descriptors = rounds.map((round) => round.descriptors)
  const text = [
    `${rounds.length} faults of ${kinds} kinds under ${acknowledged} acknowledged writes`,
    `  promises broken: ${rounds.reduce((total, { violations }) => total + violations.length, 0)}`,
    `  ready again after ${Math.round(ready[ready.length >> 1] ?? 0)} ms in the median, ${Math.round(ready.at(-1) ?? 0)} ms at most`,
    `  memory of the service: ${mebibytes(Math.max(...rounds.map(({ memory }) => memory)))} MiB at most`,
    `  open descriptors: ${Math.min(...descriptors)} to ${Math.max(...descriptors)}`,
  ]
  const problems = [
    ...rounds.flatMap(({ fault, violations }) => violations.map((violation) => `${fault}: ${violation}`)),
    ...rounds
      .filter(({ readyMs }) => readyMs > MAX_READY_MS)
      .map(({ fault, readyMs }) => `${fault}: ready after ${Math.round(readyMs)} ms`),
    ...(Math.max(...descriptors) > descriptors[0]! + MAX_MORE_DESCRIPTORS
      ? [`${Math.max(...descriptors)} open descriptors`]
      : []),
  ]
  return { text: text.join('\n'), problems }
}
