import { clientNetwork, DEFAULT_IPV6_PREFIX } from '../../../models/traffic/client-address.js'
import { endpointName } from '../../../models/traffic/endpoint-name.js'
import { PLAIN_FOLDING, type EndpointFolding } from '../../../models/traffic/endpoint-folding.js'
import { MAX_ENDPOINTS, methodName, OTHER } from '../endpoints.js'
import type { CopiedRows } from './copied-rows.js'
import { KnownKeys } from './known-keys.js'
import { Remembered } from './remembered.js'

/** The client of requests without a user and an address, and of all clients beyond the maximum. */
export const UNKNOWN_CLIENT = 0xffffffff

/** The number of IPv6 addresses that are remembered. */
const MAX_REMEMBERED = 100_000
const MAX_CLIENTS = 1_000_000
const MAX_TIERS = 255

export interface RequestNamesOptions {
  /** Whether endpoints are `GET /users/{id}`, or `/users/{id}` with all its methods. */
  readonly byMethod: boolean
  /** Those that have the indexes from 1 on, in this order. */
  readonly endpoints?: readonly string[]
  /** Further endpoints get indexes up to this one; with the number of those above, none does. */
  readonly maxEndpoints?: number
  readonly maxClients?: number
  /** The addresses of an IPv6 network of so many bits are one client. */
  readonly ipv6Prefix?: number
  /** Which endpoint a path belongs to; by its shape, when absent. */
  readonly folding?: EndpointFolding
}

/** The names behind the indexes of streamed requests, in the order in which they came; bounded in number. */
export class RequestNames {
  /** Those at {@link OTHER} are `other`. */
  readonly endpoints: string[]
  /** A user, or else an address. */
  readonly clients: string[] = []
  readonly clientKinds: ('user' | 'address')[] = []
  /** Index 0: no tier is known. */
  readonly tiers: string[] = ['']
  readonly #byMethod: boolean
  readonly #maxEndpoints: number
  readonly #maxClients: number
  readonly #folding: EndpointFolding
  readonly #endpointIndex: Map<string, number>
  readonly #ipv6Prefix: number
  /** Of IPv6 addresses: somebody may change them with every request. */
  readonly #knownAddresses = new Remembered<number>(MAX_REMEMBERED)
  readonly #knownClients = new KnownKeys()
  readonly #knownRequests = new KnownKeys()
  readonly #clientIndex = new Map<string, number>([['', UNKNOWN_CLIENT]])
  readonly #tierIndex = new Map<string, number>([['', 0]])

  constructor({ byMethod, endpoints = [], maxEndpoints, ...options }: RequestNamesOptions) {
    this.#byMethod = byMethod
    this.#maxEndpoints = maxEndpoints ?? MAX_ENDPOINTS
    this.#maxClients = options.maxClients ?? MAX_CLIENTS
    this.#ipv6Prefix = options.ipv6Prefix ?? DEFAULT_IPV6_PREFIX
    this.#folding = options.folding ?? PLAIN_FOLDING
    this.endpoints = ['other', ...endpoints]
    this.#endpointIndex = new Map(endpoints.map((name, i) => [name, i + 1]))
  }

  endpointOf(row: CopiedRows): number {
    const known = row.knownRequest(this.#knownRequests, this.#folding.readsNumbers)
    if (known >= 0) return known
    const index = this.#nameEndpoint(row)
    row.rememberRequest(this.#knownRequests, index)
    return index
  }

  clientOf(row: CopiedRows): number {
    const known = row.knownClient(this.#knownClients)
    if (known >= 0) return known
    const index = this.#findClient(row)
    row.rememberClient(this.#knownClients, index)
    return index
  }

  #findClient(row: CopiedRows): number {
    const key = row.clientKey
    const found = this.#clientIndex.get(key) ?? this.#knownAddresses.get(key)
    if (found !== undefined) return found
    if (row.isUser) return this.#addClient(key, row.client, 'user')
    const network = clientNetwork(key, this.#ipv6Prefix)
    if (network === key) return this.#addClient(key, key, 'address')
    const index = this.#clientIndex.get(network) ?? this.#addClient(network, network, 'address')
    return this.#knownAddresses.set(key, index)
  }

  #addClient(key: string, name: string, kind: 'user' | 'address'): number {
    if (this.clients.length >= this.#maxClients) return UNKNOWN_CLIENT
    const index = this.clients.push(name) - 1
    this.clientKinds.push(kind)
    this.#clientIndex.set(key, index)
    return index
  }

  tierOf(row: CopiedRows): number {
    const key = row.tierKey
    const found = this.#tierIndex.get(key)
    if (found !== undefined) return found
    if (this.tiers.length > MAX_TIERS) return 0
    const index = this.tiers.push(row.tier) - 1
    this.#tierIndex.set(key, index)
    return index
  }

  #nameEndpoint({ method, path }: CopiedRows): number {
    const { template, kind } = this.#folding.fold(path)
    if (kind === 'ignored') return OTHER
    const name = endpointName(this.#byMethod ? methodName(method) : '', template)
    const found = this.#endpointIndex.get(name)
    if (found !== undefined) return found
    if (this.endpoints.length > this.#maxEndpoints) return OTHER
    const index = this.endpoints.push(name) - 1
    this.#endpointIndex.set(name, index)
    return index
  }
}
