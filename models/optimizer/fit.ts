import { fitClientLimit } from '../rate-limit/clients/limit.js'
import { dailyP95 } from '../rate-limit/endpoints/daily-p95.js'
import { endpointBase } from '../rate-limit/endpoints/limit.js'
import { mergeRanges, type MinuteRange } from '../rate-limit/minute-ranges.js'
import type { RateLimitException } from '../rate-limit/exception.js'
import { GATEWAY } from '../rate-limit/recommendation.js'
import { fitEndpointProfile } from '../rate-limit/endpoints/profile.js'
import { costsByLatency, weightOf } from '../rate-limit/request-costs.js'
import { endpointName } from '../traffic/endpoint-name.js'
import { Arrivals, CURVE_LIMITS } from './arrivals.js'
import { limitsAround, type CurvePoint } from '../rate-limit/burst-curve.js'
import { joinMethods, ofMethod, type EndpointRollup, type EndpointSums } from './endpoint-rollups.js'
import type { ClientModel, CostModel, EndpointModel, RateOptimizer } from './model.js'

interface RateOptimizerFitOptions {
  /** The minutes that are learned from, for averages over all of them. */
  readonly range?: MinuteRange
  readonly excluded: readonly MinuteRange[]
  readonly seed: number
  /** The client of requests that no client is known to have sent. */
  readonly nobody: number
  /** Endpoints without a name, all together, by method; their requests have the endpoint 0. */
  readonly other?: readonly EndpointRollup[]
}

/** A client by name. */
export type ClientName = Pick<RateLimitException, 'client' | 'kind'>

/** An endpoint that is being learned, and the index of its arrivals. */
interface Draft {
  readonly name: string
  readonly sums: EndpointSums
  readonly place: number
}

const BUSY_SECONDS = 0.99

/**
 * Learns a {@link RateOptimizer} in two steps. The rollups come first: they determine the limits at which arrivals are
 * looked at. Then all requests are added to `arrivals` in one pass, in order of time. Endpoints without requests
 * outside the excluded minutes are left out.
 */
export class RateOptimizerFit {
  /** By index of the batches less one (0 is any other): the names to be counted, `GET /users/{id}`. */
  readonly endpoints: readonly string[]
  readonly arrivals: Arrivals
  readonly #options: RateOptimizerFitOptions
  readonly #methods: readonly Draft[]
  readonly #templates: readonly Draft[]
  /** The whole gateway; null without rollups. */
  readonly #gateway: Draft | null
  readonly #costs: Omit<CostModel, 'client'> | null

  /** @param rollups each method and path once */
  constructor(rollups: readonly EndpointRollup[], options: RateOptimizerFitOptions) {
    const excluded = mergeRanges(options.excluded)
    this.#options = { ...options, excluded }
    this.endpoints = rollups.map(({ method, path }) => endpointName(method, path))
    this.#methods = rollups.map((rollup, place) => {
      return { name: this.endpoints[place]!, sums: ofMethod(rollup), place }
    })
    const places: number[][] = [[], ...rollups.map((_, place) => [place])]
    const limits = rollups.map((rollup) => this.#limitsOf(ofMethod(rollup)))
    this.#templates = byPath(rollups).map((indexes) => {
      const sums = joinMethods(indexes.map((index) => rollups[index]!))
      // The only method of a path is the path: nothing is counted twice.
      if (indexes.length === 1) return { name: sums.endpoint, sums, place: indexes[0]! }
      const place = limits.push(this.#limitsOf(sums)) - 1
      for (const index of indexes) places[index + 1]!.push(place)
      return { name: sums.endpoint, sums, place }
    })
    const all = [...rollups, ...(options.other ?? [])]
    this.#gateway = all.length === 0 ? null : this.#gatewayDraft(all, limits, places)
    this.#costs = this.#costsOf(rollups)
    const costs = this.#costs &&
      this.#gateway && {
        ...{ place: this.#gateway.place, meanWeight: this.#costs.meanWeight },
        weights: [this.#costs.defaultWeight, ...rollups.map(({ path }) => weightOf(this.#costs!, path))],
      }
    this.arrivals = new Arrivals({ limits, places, excluded, nobody: options.nobody, costs })
  }

  #costsOf(rollups: readonly EndpointRollup[]): Omit<CostModel, 'client'> | null {
    const other = (this.#options.other ?? []).map((rollup) => ofMethod(rollup))
    const templates = this.#templates.map(({ sums }) => sums)
    const costs = costsByLatency(templates, other)
    if (costs === null) return null
    const requestsOf = ({ counts }: Pick<EndpointRollup, 'counts'>) => counts.reduce((sum, n) => sum + n, 0)
    const weighted = [
      ...rollups.map((each) => [requestsOf(each), weightOf(costs, each.path)] as const),
      ...(this.#options.other ?? []).map((each) => [requestsOf(each), costs.defaultWeight] as const),
    ]
    const requests = weighted.reduce((sum, [n]) => sum + n, 0)
    const cost = weighted.reduce((sum, [n, weight]) => sum + n * weight, 0)
    return { ...costs, meanWeight: Math.max(1, Math.round(cost / Math.max(1, requests))) }
  }

  /** @param clientName of an index of the batches */
  model(clientName: (client: number) => ClientName): RateOptimizer {
    const whole = this.#gateway && this.#learn(this.#gateway.place, clientName, NOBODY_KNOWN)
    const gateway = whole && this.#toModel(this.#gateway!.sums, whole)
    const known = { programs: new Set(whole?.programs), trusted: new Set(whole?.trusted) }
    const learned = new Map<number, Learned>()
    const toEntries = (drafts: readonly Draft[]) =>
      drafts.flatMap(({ name, sums, place }): [string, EndpointModel][] => {
        if (!learned.has(place)) learned.set(place, this.#learn(place, clientName, known))
        const model = this.#toModel(sums, learned.get(place)!)
        return model ? [[name, model]] : []
      })
    const byTemplate = toEntries(this.#templates).sort(([a], [b]) => (a < b ? -1 : 1))
    const byMethod = toEntries(this.#methods).sort(([a], [b]) => (a < b ? -1 : 1))
    const requests = byTemplate.reduce((sum, [, { profile }]) => sum + profile.totalRequests, 0)
    const client = whole?.client && this.#learnCosts(whole.client, clientName, known)
    const costs = this.#costs && client ? { ...this.#costs, client } : null
    return { byTemplate: new Map(byTemplate), byMethod: new Map(byMethod), gateway, costs, requests }
  }

  /** The limit over the whole gateway in average requests. @param inRequests from the same clients */
  #learnCosts(
    inRequests: ClientModel,
    clientName: (client: number) => ClientName,
    known: KnownClients,
  ): ClientModel | null {
    const { activity, clients, costs } = this.arrivals.endpoints[this.#gateway!.place]!
    const { excluded, seed } = this.#options
    const found =
      costs &&
      fitClientLimit({
        ...{ hours: costs.hours(activity.hours()), curves: costs.curves(), paths: activity.pathCounts() },
        isProgram: (client) => known.programs.has(clients[client]!),
        isTrusted: (client) => known.trusted.has(clients[client]!),
        sharedApart: true,
        ...{ excluded, seed },
      })
    if (!found) return null
    const reasons = new Map(inRequests.programs.map(({ client, reason }) => [client, reason]))
    const model = toClientModel(found, (index) => clientName(clients[index]!))
    return {
      ...model,
      misuse: inRequests.misuse,
      programs: model.programs.map((each) => ({ ...each, reason: reasons.get(each.client) ?? each.reason })),
    }
  }

  #gatewayDraft(rollups: readonly EndpointRollup[], limits: number[][], places: number[][]): Draft {
    const sums = { ...joinMethods(rollups), endpoint: GATEWAY }
    const place = limits.push(this.#limitsOf(sums)) - 1
    for (const ofIndex of places) ofIndex.push(place)
    return { name: GATEWAY, sums, place }
  }

  #limitsOf(sums: EndpointSums): number[] {
    const profile = this.#profile(sums, NOTHING_LEARNED)
    return limitsAround(endpointBase(profile?.p95RequestsPerMinute ?? 0))
  }

  #profile(sums: EndpointSums, { clients, p99Second, busiestSecond }: Learned) {
    return fitEndpointProfile({
      ...sums,
      uniqueUsers: clients,
      p99SecondRequests: p99Second,
      busiestSecondRequests: busiestSecond,
      range: this.#options.range,
      excluded: this.#options.excluded,
    })
  }

  #toModel(sums: EndpointSums, learned: Learned): EndpointModel | null {
    const profile = this.#profile(sums, learned)
    if (profile === null) return null
    const { excluded } = this.#options
    const daily = [...dailyP95({ minutes: sums.minutes, counts: sums.counts, excluded })]
    return { profile, dailyP95: daily, curve: learned.curve, client: learned.client }
  }

  #learn(place: number, clientName: (client: number) => ClientName, known: KnownClients): Learned {
    const { seconds, activity, curve, clients, nClients } = this.arrivals.endpoints[place]!
    const { excluded, seed } = this.#options
    const found = fitClientLimit({
      hours: activity.hours(),
      curves: { limits: CURVE_LIMITS, curves: activity.curves },
      paths: activity.pathCounts(),
      isProgram: (client) => known.programs.has(clients[client]!),
      isTrusted: (client) => known.trusted.has(clients[client]!),
      sharedApart: place === this.#gateway?.place,
      nLimits: place === this.#gateway?.place ? 1 : this.#templates.length,
      excluded,
      seed,
    })
    const { quantile, highest } = seconds.summary(BUSY_SECONDS)
    return {
      clients: nClients,
      p99Second: quantile,
      busiestSecond: highest,
      curve: curve.points(),
      client: found && toClientModel(found, (index) => clientName(clients[index]!)),
      programs: found?.programs.map(({ client }) => clients[client]!) ?? [],
      trusted: found?.trusted.map((client) => clients[client]!) ?? [],
    }
  }
}

/** What the pass over the requests gives for an endpoint. */
interface Learned {
  readonly clients: number
  readonly p99Second: number
  readonly busiestSecond: number
  readonly curve: readonly CurvePoint[]
  readonly client: ClientModel | null
  /** Indexes of the batches. */
  readonly programs: readonly number[]
  readonly trusted: readonly number[]
}

/** What is known of clients over the whole gateway: indexes of the batches. */
interface KnownClients {
  readonly programs: ReadonlySet<number>
  readonly trusted: ReadonlySet<number>
}

const NOBODY_KNOWN: KnownClients = { programs: new Set(), trusted: new Set() }

const NOTHING_LEARNED: Learned = {
  ...{ clients: 0, p99Second: 0, busiestSecond: 0 },
  ...{ curve: [], client: null, programs: [], trusted: [] },
}

type Found = NonNullable<ReturnType<typeof fitClientLimit>>

function toClientModel(
  { burstAt, runaways, programs, trusted: _, ...found }: Found,
  nameOf: (index: number) => ClientName,
): ClientModel {
  const known = burstAt(found.limit)
  const curve = limitsAround(found.limit).map((limit) => {
    // No legitimate client has more than the limit in a minute: below it, only the excess of a minute can add up.
    return { limit, burst: Math.min(burstAt(limit), known + Math.max(0, found.limit - limit)) }
  })
  return {
    ...found,
    runaways: runaways.map((index) => nameOf(index).client),
    programs: programs.map(({ client, ...needs }) => ({ ...needs, ...nameOf(client) })),
    curve,
  }
}

/** Indexes of the rollups, put together by path. */
function byPath(rollups: readonly EndpointRollup[]): number[][] {
  const paths = new Map<string, number[]>()
  for (const [index, { path }] of rollups.entries()) {
    const known = paths.get(path)
    if (known) known.push(index)
    else paths.set(path, [index])
  }
  return [...paths.values()]
}
