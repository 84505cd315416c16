import type { AppliedLimit, FileLimits, SeenRequest } from '../../formats/limit-files/read/limits.js'
import { endpointName } from '../../models/traffic/endpoint-name.js'
import { pathTemplate } from '../../models/traffic/path-template.js'
import { Counters } from './counters.js'

/** Clients, and endpoints and clients of a limit, that are kept. */
const MAX_CLIENTS = 200_000
const MAX_ENDPOINTS = 1000
/** Of all limits together. */
const MAX_NAMES = 200_000
const EXAMPLES = 5

export interface Tally {
  requests: number
  rejected: number
}

/** A request that would be rejected. */
export interface Example {
  readonly time: string
  readonly client: string
  readonly method: string
  readonly path: string
  readonly limit: string
}

interface LimitTally extends Tally {
  readonly endpoints: Map<string, number>
  readonly clients: Map<string, number>
}

/** Replays requests through the limits of a file, in memory that has an end. */
export class LimitReplay {
  readonly total: Tally = { requests: 0, rejected: 0 }
  readonly byLimit = new Map<string, LimitTally>()
  readonly byClient = new Map<string, Tally>()
  readonly examples: Example[] = []
  /** Requests that are dated before one ahead of them. */
  late = 0
  fromMs = Infinity
  toMs = -Infinity
  readonly #limits: FileLimits
  readonly #counters = new Counters()
  #names = 0

  constructor(limits: FileLimits) {
    this.#limits = limits
  }

  /** Requests that are dated before one ahead of them count at its time: gateways log a request when it ends. */
  push(request: SeenRequest): void {
    if (request.timeMs < this.toMs) this.late++
    this.fromMs = Math.min(this.fromMs, request.timeMs)
    this.toMs = Math.max(this.toMs, request.timeMs)
    const applied = this.#limits.limitsOf(request)
    for (const limit of applied) this.#countMet(limit)
    const counted = { timeMs: this.toMs, status: request.status ?? 0, path: request.path }
    const rejecting = this.#counters.rejecting(applied, counted, this.#limits.counts)
    const client = request.user || request.address || 'unknown'
    this.total.requests++
    const tally = this.#client(client)
    if (tally) tally.requests++
    if (rejecting === null) return
    this.total.rejected++
    if (tally) tally.rejected++
    this.#countRejected(rejecting.name, client, request)
  }

  /** Requests that passed because the table of keys was full. */
  get unattributed(): number {
    return this.#counters.uncounted
  }

  /** Whether there were more clients than are kept: further ones are in no count of clients. */
  get hasMoreClients(): boolean {
    return this.byClient.size >= MAX_CLIENTS
  }

  #client(client: string): Tally | undefined {
    const known = this.byClient.get(client)
    if (known || this.byClient.size >= MAX_CLIENTS) return known
    const tally = { requests: 0, rejected: 0 }
    this.byClient.set(client, tally)
    return tally
  }

  #countRejected(limit: string, client: string, { method, path, timeMs }: SeenRequest): void {
    const tally = this.byLimit.get(limit)!
    tally.rejected++
    this.#count(tally.endpoints, endpointName(method, pathTemplate(path)))
    this.#count(tally.clients, client)
    if (this.examples.length >= EXAMPLES) return
    this.examples.push({
      time: new Date(timeMs).toISOString(),
      client,
      method,
      path: path.slice(0, 200),
      limit,
    })
  }

  #countMet({ name, counting }: AppliedLimit): void {
    if (counting.kind === 'counted') return
    const known = this.byLimit.get(name)
    if (known) known.requests++
    else this.byLimit.set(name, { requests: 1, rejected: 0, endpoints: new Map(), clients: new Map() })
  }

  #count(counts: Map<string, number>, key: string): void {
    const known = counts.get(key)
    if (known === undefined) {
      if (counts.size >= MAX_ENDPOINTS || this.#names >= MAX_NAMES) return
      this.#names++
    }
    counts.set(key, (known ?? 0) + 1)
  }
}
