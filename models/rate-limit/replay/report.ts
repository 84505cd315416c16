import { grown } from '../growing-array.js'
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

/** What a limit would have done. */
export interface ReplayReport extends Tally {
  /** rejected / requests; 0 without requests. */
  readonly rejectionRate: number
  /** Of the rejected: those that the limit over the whole gateway rejected, whatever their endpoint's would have said. */
  readonly rejectedByGateway: number
  /** Of the rejected: those that a longer window rejected, whatever the other limit would have said. */
  readonly rejectedByLongWindow: number
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
  readonly #byTier: number[][] = []
  readonly #byEndpoint: number[][] = []
  readonly #worstMinutes = new Top<MinuteTally>(WORST)
  readonly #peakOffered = new Top<MinuteTally>(1)
  readonly #peakAdmitted = new Top<MinuteTally>(1)
  #minute = -1
  #minuteRequests = 0
  #minuteRejected = 0
  longWindow = 0
  gateway = 0
  unattributed = 0

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
      rejectedByGateway: this.gateway,
      rejectedByLongWindow: this.longWindow,
      ...this.#clients(),
      worstMinutes: this.#worstMinutes.items(),
      byTier: tallies(this.#byTier),
      byEndpoint,
      peakOffered: this.#peakOffered.items()[0] ?? null,
      peakAdmitted: this.#peakAdmitted.items()[0] ?? null,
      unattributed: this.unattributed,
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
