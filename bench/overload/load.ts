import { setTimeout as delay } from 'node:timers/promises'
import { quantileSorted } from '../../models/statistics/quantile.js'
import { openConnection, type Connection } from './connection.js'

export interface Target {
  readonly host: string
  readonly port: number
}

/** What became of the requests of a load. */
export interface Outcome {
  readonly seconds: number
  readonly sent: number
  /** How many answers had each status. */
  readonly statuses: ReadonlyMap<number, number>
  /** Milliseconds from when each accepted request was due, ascending. */
  readonly latencies: Float64Array
  readonly refusedLatencies: Float64Array
  readonly unanswered: number
}

const TICK_MS = 1
/** How long the last answers may take. */
const DRAIN_MS = 10_000
/** Of the latencies, so many are kept. */
const SAMPLES = 2_000_000

/**
 * Requests at a steady rate over many connections, whatever becomes of those before. A late generator counts as
 * latency: each request is measured from when it was due.
 */
export async function openLoop(
  target: Target,
  request: Buffer,
  { perSecond, seconds, connections }: { perSecond: number; seconds: number; connections: number },
): Promise<Outcome> {
  const counter = createCounter()
  const open = await openAll(target, request, connections, counter.lost)
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  for (let sent = 0; performance.now() < endMs; await delay(TICK_MS)) {
    const dueNow = Math.floor(((Math.min(performance.now(), endMs) - startMs) * perSecond) / 1000)
    for (; sent < dueNow; sent++) {
      const dueMs = startMs + ((sent + 1) * 1000) / perSecond
      open[sent % connections]!.send(counter.expect(dueMs))
    }
  }
  const outcome = await counter.end(seconds)
  for (const each of open) each.close()
  return outcome
}

/** Each connection sends the next request when it has its answer: what the service can do at most. */
export async function closedLoop(
  target: Target,
  request: Buffer,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<Outcome> {
  const counter = createCounter()
  const open = await openAll(target, request, connections, counter.lost)
  const endMs = performance.now() + seconds * 1000
  const sendOn = (connection: Connection) => {
    if (performance.now() >= endMs) return
    connection.send(counter.expect(performance.now(), () => sendOn(connection)))
  }
  open.forEach(sendOn)
  await delay(seconds * 1000)
  const outcome = await counter.end(seconds)
  for (const each of open) each.close()
  return outcome
}

function openAll(target: Target, request: Buffer, count: number, onLost: (requests: number) => void) {
  return Promise.all(Array.from({ length: count }, () => openConnection(target, request, onLost)))
}

function createCounter() {
  const statuses = new Map<number, number>()
  const accepted = new Float64Array(SAMPLES)
  const refused = new Float64Array(SAMPLES)
  let [sent, answered, lost] = [0, 0, 0]
  const keep = (samples: Float64Array, count: number, value: number) => (samples[count % SAMPLES] = value)
  const taken = (samples: Float64Array, count: number) => samples.slice(0, Math.min(count, SAMPLES)).sort()
  const countOf = (status: number) => statuses.get(status) ?? 0
  const countOfOthers = () => answered - countOf(200)
  return {
    expect(dueMs: number, next?: () => void) {
      sent++
      return (status: number) => {
        const latencyMs = performance.now() - dueMs
        if (status === 200) keep(accepted, countOf(200), latencyMs)
        else keep(refused, countOfOthers(), latencyMs)
        answered++
        statuses.set(status, countOf(status) + 1)
        next?.()
      }
    },
    lost: (requests: number) => void (lost += requests),
    async end(seconds: number): Promise<Outcome> {
      const untilMs = performance.now() + DRAIN_MS
      while (answered + lost < sent && performance.now() < untilMs) await delay(10)
      return {
        ...{ seconds, sent, statuses },
        latencies: taken(accepted, countOf(200)),
        refusedLatencies: taken(refused, countOfOthers()),
        unanswered: sent - answered,
      }
    },
  }
}

/** The latency below which a share of the requests is; NaN without any. */
export function latencyAt(sorted: Float64Array, share: number): number {
  return sorted.length === 0 ? NaN : quantileSorted(sorted, share)
}
