import { endpointName } from '../../../models/traffic/endpoint-name.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import type { CopiedRows } from './copied-rows.js'
import { Remembered } from './remembered.js'

/** The endpoint of requests whose own has no index. */
export const OTHER = 0
/** The client of requests of which neither a user nor an address is known, and of clients beyond the most. */
export const NOBODY = 0xffffffff

/** Raw requests whose endpoint is not worked out anew. */
const MOST_REMEMBERED = 100_000
/** As many as rollups keep. */
const MOST_ENDPOINTS = 2000
const MOST_CLIENTS = 1_000_000
const MOST_TIERS = 255
const LONGEST_METHOD = 32

export interface RequestNamesOptions {
  /** Whether endpoints are `GET /users/{id}`, or `/users/{id}` with all its methods. */
  readonly byMethod: boolean
  /** Those that have the indexes from 1 on, in this order. */
  readonly endpoints?: readonly string[]
  /** Further endpoints get indexes up to this one; with the number of those above, none does. */
  readonly mostEndpoints?: number
  readonly mostClients?: number
}

/** The names behind the indexes of streamed requests, in the order in which they came; bounded in number. */
export class RequestNames {
  /** Those at {@link OTHER} are `other`. */
  readonly endpoints: string[]
  /** A user, or else an address. */
  readonly clients: string[] = []
  /** Index 0: no tier is known. */
  readonly tiers: string[] = ['']
  readonly #byMethod: boolean
  readonly #mostEndpoints: number
  readonly #mostClients: number
  readonly #endpointIndex: Map<string, number>
  readonly #known = new Remembered<number>(MOST_REMEMBERED)
  readonly #clientIndex = new Map<string, number>([['', NOBODY]])
  readonly #tierIndex = new Map<string, number>([['', 0]])

  constructor({ byMethod, endpoints = [], ...most }: RequestNamesOptions) {
    this.#byMethod = byMethod
    this.#mostEndpoints = most.mostEndpoints ?? MOST_ENDPOINTS
    this.#mostClients = most.mostClients ?? MOST_CLIENTS
    this.endpoints = ['other', ...endpoints]
    this.#endpointIndex = new Map(endpoints.map((name, i) => [name, i + 1]))
  }

  endpointOf(row: CopiedRows): number {
    const key = row.requestKey
    return this.#known.get(key) ?? this.#known.set(key, this.#nameEndpoint(row))
  }

  clientOf(row: CopiedRows): number {
    const key = row.clientKey
    const found = this.#clientIndex.get(key)
    if (found !== undefined) return found
    if (this.clients.length >= this.#mostClients) return NOBODY
    const index = this.clients.push(row.client) - 1
    this.#clientIndex.set(key, index)
    return index
  }

  tierOf(row: CopiedRows): number {
    const key = row.tierKey
    const found = this.#tierIndex.get(key)
    if (found !== undefined) return found
    if (this.tiers.length > MOST_TIERS) return 0
    const index = this.tiers.push(row.tier) - 1
    this.#tierIndex.set(key, index)
    return index
  }

  #nameEndpoint({ method, path }: CopiedRows): number {
    const name = endpointName(this.#byMethod ? methodName(method) : '', pathTemplate(path))
    const found = this.#endpointIndex.get(name)
    if (found !== undefined) return found
    if (this.endpoints.length > this.#mostEndpoints) return OTHER
    const index = this.endpoints.push(name) - 1
    this.#endpointIndex.set(name, index)
    return index
  }
}

/** In capitals and cut, as rollups keep it. */
function methodName(method: string): string {
  return method.toUpperCase().slice(0, LONGEST_METHOD)
}
