import { BlockList, isIP } from 'node:net'
import { ConfigError } from './error.js'

/** How much callers may send, and whom the service believes about their addresses. */
export interface CallersConfig {
  /** Requests a minute of a key, or of an address without one; null without a limit. */
  readonly rateLimit: number | null
  /** Addresses and networks of proxies whose X-Forwarded-For counts. */
  readonly trustedProxies: readonly string[]
}

/** The variables, '' for one that is not set. */
export interface CallersVariables {
  readonly rateLimit: string
  readonly trustProxy: string
}

const DEFAULT_RATE_LIMIT = 60_000
const MAX_RATE_LIMIT = 10_000_000
const RATES = `off, or a whole number from 1 to ${MAX_RATE_LIMIT} of requests a minute`

const MAX_PROXIES = 100
const PROXIES =
  'a list of addresses and networks with commas, as 10.0.0.0/8,192.0.2.7, or loopback for this machine'
const LOOPBACK = ['127.0.0.0/8', '::1/128']

/** @throws ConfigError on the first bad value */
export function callersConfig({ rateLimit, trustProxy }: CallersVariables): CallersConfig {
  return Object.freeze({
    rateLimit: readRate(rateLimit),
    trustedProxies: Object.freeze(readProxies(trustProxy)),
  })
}

function readRate(given: string): number | null {
  if (given === '') return DEFAULT_RATE_LIMIT
  if (given.toLowerCase() === 'off') return null
  const rate = /^\d{1,8}$/.test(given) ? Number(given) : NaN
  if (rate >= 1 && rate <= MAX_RATE_LIMIT) return rate
  throw new ConfigError('RATE_LIMIT', given, RATES)
}

function readProxies(given: string): string[] {
  const names = given.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]))
  const proxies = names.flatMap((name) => (name.toLowerCase() === 'loopback' ? LOOPBACK : [name]))
  if (names.length <= MAX_PROXIES && proxies.every(isNetwork)) return proxies
  throw new ConfigError('TRUST_PROXY', given.slice(0, 200), PROXIES)
}

/** Whether an address belongs to this machine. It is asked for each request: a BlockList takes microseconds. */
export function isLocal(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** Whether an address belongs to one of some networks. @param networks as `trustedProxies` has them */
export function addressesOf(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const each of networks) {
    const [address = '', prefix] = each.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address) => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || text.includes('%')) return false
  if (prefix === undefined) return true
  // Everybody is trusted with /0, and then an address says nothing.
  return /^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (family === 6 ? 128 : 32)
}
