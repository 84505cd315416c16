import { Replay, type RequestBatch } from '../models/rate-limit/replay/replay.js'
import { createRandom } from '../models/statistics/random.js'
import { timed, type Benchmark } from './benchmark.js'

const requests = 2_000_000
const nClients = 20_000
const nEndpoints = 20
const rule = { limit: 60, burst: 20, windowMs: 60_000 }

/** A day of requests of unequal clients: as columns and, for the reference, with names as a gateway has them. */
function day(): RequestBatch & { names: string[] } {
  const random = createRandom(1)
  const step = 86_400_000 / requests
  const client = Uint32Array.from({ length: requests }, () => Math.floor(nClients * random.uniform() ** 3))
  return {
    length: requests,
    timeMs: Float64Array.from(client, (_, i) => 1.7e12 + Math.floor(i * step)),
    client,
    endpoint: Uint32Array.from(client, () => random.integer(nEndpoints)),
    tier: new Uint8Array(requests),
    names: Array.from({ length: nClients }, (_, i) => `user-${i}`),
  }
}

/** A straightforward token bucket: an object in a Map, keyed by endpoint and client. */
function plainReplay({ timeMs, client, endpoint, names }: ReturnType<typeof day>): number {
  const buckets = new Map<string, { tokens: number; at: number }>()
  const perMs = rule.limit / rule.windowMs
  let rejected = 0
  for (let i = 0; i < requests; i++) {
    const key = `${endpoint[i]}:${names[client[i]!]}`
    let bucket = buckets.get(key)
    if (!bucket) buckets.set(key, (bucket = { tokens: rule.burst, at: timeMs[i]! }))
    bucket.tokens = Math.min(rule.burst, bucket.tokens + (timeMs[i]! - bucket.at) * perMs)
    bucket.at = timeMs[i]!
    if (bucket.tokens >= 1) bucket.tokens--
    else rejected++
  }
  return rejected
}

/** Replays requests in memory through a limit. */
export const replay: Benchmark = {
  name: 'replay of a limit',
  async prepare() {
    const batch = day()
    const run = (scope: 'client' | 'endpoint', longWindow: boolean) => () => {
      const rules = Array.from({ length: nEndpoints }, () =>
        longWindow ? { ...rule, longWindow: { limit: 500, windowMs: 3_600_000 } } : rule,
      )
      const replay = new Replay({ rules, scope, algorithm: 'token_bucket' })
      replay.push(batch)
      return replay.report()
    }
    const reference = { name: 'Map of buckets', measure: () => timed(() => plainReplay(batch), 1) }
    const candidate = (name: string, work: () => unknown) => ({ name, measure: () => timed(work, 1) })
    return {
      comparisons: [
        { rows: requests, reference, target: 2, candidate: candidate('by client', run('client', false)) },
        { rows: requests, reference, candidate: candidate('with an hour', run('client', true)) },
        { rows: requests, reference, candidate: candidate('by endpoint', run('endpoint', false)) },
      ],
    }
  },
}
