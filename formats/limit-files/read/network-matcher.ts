import { asNetwork, ipNetwork } from '../ip-network.js'

interface NetworkMatcher {
  readonly bits: number
  contains(address: string): boolean
}

/** Whether an address is in a network. @returns null for a text that is no network */
export function networkMatcher(text: string): NetworkMatcher | null {
  const network = ipNetwork(text)
  if (network === null) return null
  const [address = '', size] = asNetwork(network).split('/')
  const bits = Number(size)
  const isV6 = address.includes(':')
  const prefix = (text: string) => bitsOf(text).slice(0, bits)
  const wanted = prefix(address)
  return {
    bits,
    contains: (other) => other !== '' && other.includes(':') === isV6 && prefix(other) === wanted,
  }
}

/** The first bits of an address, as a text that is equal for all of a network. */
export function networkKey(address: string, v4Bits: number, v6Bits: number): string {
  return bitsOf(address).slice(0, address.includes(':') ? v6Bits : v4Bits)
}

/** An address as zeros and ones; of a text that is none, the text. */
function bitsOf(address: string): string {
  if (ipNetwork(address) === null) return address
  if (!address.includes(':'))
    return address
      .split('.')
      .map((byte) => Number(byte).toString(2).padStart(8, '0'))
      .join('')
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const hex = (high: string, low: string) => (256 * Number(high) + Number(low)).toString(16)
  const text = v4 ? `${v4[1]}${hex(v4[2]!, v4[3]!)}:${hex(v4[4]!, v4[5]!)}` : address
  const [head = '', tail] = text.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('')
}
