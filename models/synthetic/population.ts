import { createRandom } from '../statistics/random.js'
import { aliasTable, zipfWeights, type AliasTable } from './alias-table.js'

/** Someone who sends requests: a user on one of their devices, or somebody unknown. */
export interface Client {
  /** null when not logged in. */
  readonly userId: string | null
  readonly address: string
  readonly agent: string
  readonly tier: string
}

/** Everybody who uses the synthetic gateway. */
export interface Population {
  readonly clients: readonly Client[]
  /** Draws an index into `clients`. */
  readonly activity: AliasTable
}

const USERS = 2000
const STRANGERS = 1000
/** Share of the requests that come from nobody known. */
const ANONYMOUS = 0.2
/** Zipf's law of activity: the busiest user sends about an eighth of the requests of all. */
const USER_EXPONENT = 1
const STRANGER_EXPONENT = 0.7
const OFFICES = 25
/** Share of the devices that stand in an office and share its address. */
const IN_OFFICE = 0.2
const TIERS = [
  ['free', 0.55],
  ['basic', 0.8],
  ['standard', 0.93],
  ['premium', 0.99],
  ['enterprise', 1],
] as const
const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
  'okhttp/4.12.0',
  'python-requests/2.32.3',
  'ShopApp/7.4 (iPhone; iOS 18.1)',
  'curl/8.10.1',
]

/**
 * Two thousand users with one to three devices each, by Zipf's law from very busy to hardly there, and a
 * thousand addresses of people who are not logged in. A fifth of the devices share the address of an office.
 *
 * @param seed any finite number; the same seed gives the same people
 */
export function createPopulation(seed: number): Population {
  const random = createRandom(seed)
  const clients: Client[] = []
  const weights: number[] = []
  const add = (userId: string | null, address: string, tier: string, weight: number) => {
    clients.push({ userId, address, agent: AGENTS[random.integer(AGENTS.length)]!, tier })
    weights.push(weight)
  }
  const office = () => `198.51.100.${10 + random.integer(OFFICES)}`
  const shares = normalised(zipfWeights(USERS, USER_EXPONENT), 1 - ANONYMOUS)
  shares.forEach((share, index) => {
    const luck = random.uniform()
    const [tier] = TIERS.find(([, upTo]) => luck < upTo)!
    const devices = 1 + random.integer(3)
    for (let device = 0; device < devices; device++) {
      const address = random.uniform() < IN_OFFICE ? office() : homeAddress(index, device)
      add(`user_${index + 1}`, address, tier, share / devices)
    }
  })
  normalised(zipfWeights(STRANGERS, STRANGER_EXPONENT), ANONYMOUS).forEach((share, index) => {
    add(null, `100.64.${index >> 8}.${index & 255}`, 'free', share)
  })
  return { clients, activity: aliasTable(weights) }
}

/** Each user has four addresses to themselves, each device one of them. */
function homeAddress(user: number, device: number): string {
  const number = user * 4 + device
  return `10.20.${number >> 8}.${number & 255}`
}

function normalised(weights: Float64Array, total: number): Float64Array {
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => (weight / sum) * total)
}
