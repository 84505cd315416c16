import { grown } from '../growing-array.js'
import type { RulePart } from './rule-limiter.js'
import { Top } from './top.js'
import { MINUTE_MS } from '../../traffic/durations.js'

interface Tally {
  readonly requests: number
  readonly rejected: number
}

export interface MinuteTally extends Tally {
  /** Its beginning, milliseconds since 1970. */
  readonly minuteMs: number
}

export interface ClientTally extends Tally {
  /** Index of the batches. */
  readonly client: number
}

/** One of the limits that a request has to pass: a part of the rule over the whole gateway, or of those of endpoints. */
export interface LimitPart {
  readonly of: 'gateway' | 'endpoint'
  readonly part: RulePart
}

export interface LimitTally extends LimitPart {
  /** Requests that it was the first to reject, and the clients that sent them. */
  readonly rejected: number
  readonly clients: number
}

/** What a limit would have done. */
export interface ReplayReport extends Tally {
  /** rejected / requests; 0 without requests. */
  readonly rejectionRate: number
  /** Of the rejected: those that the limit over the whole gateway rejected, whatever their endpoint's would have said. */
  readonly rejectedByGateway: number
  /** Of the rejected: those that a longer window rejected, whatever the limit itself would have said. */
  readonly rejectedByLongWindow: number
  /** Every limit that was replayed, in the order in which they are asked. */
  readonly byLimit: readonly LimitTally[]
  readonly clients: number
  /** Clients with at least one rejected request. */
  readonly clientsAffected: number
  /** Most rejected requests first; only those with any. */
  readonly worstMinutes: readonly MinuteTally[]
  readonly worstClients: readonly ClientTally[]
  /** By index of the batches. */
  readonly byTier: readonly Tally[]
  readonly byEndpoint: readonly Tally[]
  /** The minutes with the most requests before and after the limit; null without requests. */
  readonly peakOffered: MinuteTally | null
  readonly peakAdmitted: MinuteTally | null
  /** Requests that passed because nobody is known to have sent them, or because the table of clients was full. */
  readonly unattributed: number
}

const WORST = 10

/** Counts what a replay decides, in memory that grows with the number of clients and nothing else. */
export class ReplayTally {
  #requests = new Uint32Array(1024)
  #rejected = new Uint32Array(1024)
  #nClients = 0
  readonly #limits: (LimitPart & { rejected: number })[]
  /** By client: a bit for each limit that rejected a request of it. */
  #rejectedBy = new Uint32Array(1024)
  readonly #byTier: number[][] = []
  readonly #byEndpoint: number[][] = []
  readonly #worstMinutes = new Top<MinuteTally>(WORST)
  readonly #peakOffered = new Top<MinuteTally>(1)
  readonly #peakAdmitted = new Top<MinuteTally>(1)
  #minute = -1
  #minuteRequests = 0
  #minuteRejected = 0
  unattributed = 0

  /** @param limits at most 32 */
  constructor(limits: readonly LimitPart[] = []) {
    this.#limits = limits.map((limit) => ({ ...limit, rejected: 0 }))
  }

  /** Minutes must not go back. */
  atMinute(minute: number): void {
    if (minute === this.#minute) return
    this.#endMinute()
    this.#minute = minute
  }

  countClient(client: number, rejected: boolean): void {
    if (client >= this.#nClients) {
      this.#nClients = client + 1
      this.#requests = grown(this.#requests, this.#nClients)
      this.#rejected = grown(this.#rejected, this.#nClients)
    }
    this.#requests[client]!++
    if (rejected) this.#rejected[client]!++
  }

  /** Says which limit rejects the present request. @param client null where it is not known */
  reject(of: LimitPart['of'], part: RulePart, client: number | null): void {
    const place = this.#limits.findIndex((limit) => limit.of === of && limit.part === part)
    this.#limits[place]!.rejected++
    if (client === null) return
    this.#rejectedBy = grown(this.#rejectedBy, client + 1)
    this.#rejectedBy[client]! |= 1 << place
  }

  count(endpoint: number, tier: number, rejected: boolean): void {
    const ofTier = (this.#byTier[tier] ??= [0, 0])
    const ofEndpoint = (this.#byEndpoint[endpoint] ??= [0, 0])
    ofTier[0]!++
    ofEndpoint[0]!++
    this.#minuteRequests++
    if (!rejected) return
    ofTier[1]!++
    ofEndpoint[1]!++
    this.#minuteRejected++
  }

  report(): ReplayReport {
    this.#endMinute()
    const byEndpoint = tallies(this.#byEndpoint)
    const requests = byEndpoint.reduce((sum, tally) => sum + tally.requests, 0)
    const rejected = byEndpoint.reduce((sum, tally) => sum + tally.rejected, 0)
    return {
      requests,
      rejected,
      rejectionRate: requests > 0 ? rejected / requests : 0,
      ...this.#byLimit(),
      ...this.#clients(),
      worstMinutes: this.#worstMinutes.items(),
      byTier: tallies(this.#byTier),
      byEndpoint,
      peakOffered: this.#peakOffered.items()[0] ?? null,
      peakAdmitted: this.#peakAdmitted.items()[0] ?? null,
      unattributed: this.unattributed,
    }
  }

  #byLimit(): Pick<ReplayReport, 'rejectedByGateway' | 'rejectedByLongWindow' | 'byLimit'> {
    const clients = this.#limits.map(() => 0)
    for (const bits of this.#rejectedBy)
      if (bits !== 0)
        for (let place = 0; place < clients.length; place++) clients[place]! += (bits >>> place) & 1
    const byLimit = this.#limits.map((limit, place) => ({ ...limit, clients: clients[place]! }))
    const rejected = (is: (limit: LimitPart) => boolean) =>
      byLimit.filter(is).reduce((sum, limit) => sum + limit.rejected, 0)
    return {
      rejectedByGateway: rejected(({ of }) => of === 'gateway'),
      rejectedByLongWindow: rejected(({ part }) => part === 'longWindow' || part === 'dayWindow'),
      byLimit,
    }
  }

  #clients(): Pick<ReplayReport, 'clients' | 'clientsAffected' | 'worstClients'> {
    const worst = new Top<ClientTally>(WORST)
    let clients = 0
    let clientsAffected = 0
    for (let client = 0; client < this.#nClients; client++) {
      const requests = this.#requests[client]!
      const rejected = this.#rejected[client]!
      if (requests > 0) clients++
      if (rejected === 0) continue
      clientsAffected++
      if (worst.wants(rejected)) worst.add(rejected, { client, requests, rejected })
    }
    return { clients, clientsAffected, worstClients: worst.items() }
  }

  #endMinute(): void {
    const requests = this.#minuteRequests
    const rejected = this.#minuteRejected
    if (requests === 0) return
    const tally = { minuteMs: this.#minute * MINUTE_MS, requests, rejected }
    if (rejected > 0) this.#worstMinutes.add(rejected, tally)
    this.#peakOffered.add(requests, tally)
    this.#peakAdmitted.add(requests - rejected, tally)
    this.#minuteRequests = 0
    this.#minuteRejected = 0
  }
}

function tallies(counts: readonly number[][]): Tally[] {
  return Array.from(counts, (pair) => ({ requests: pair?.[0] ?? 0, rejected: pair?.[1] ?? 0 }))
}
