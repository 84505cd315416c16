import { clientAddress } from '../../models/traffic/client-address.js'

const MAX_BITS = { v4: 32, v6: 128 }

/** An address or a network (`10.0.0.0/8`, `2001:db8::/64`) as gateways take it; null for anything else. */
export function ipNetwork(text: string): string | null {
  const [, address = '', bits] = /^([\da-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  if (clientAddress(address) !== address) return null
  const max = address.includes(':') ? MAX_BITS.v6 : MAX_BITS.v4
  if (bits !== undefined && Number(bits) > max) return null
  return text.toLowerCase()
}

/** The same always as a network: `10.0.0.1/32`. */
export function asNetwork(network: string): string {
  if (network.includes('/')) return network
  return `${network}/${network.includes(':') ? MAX_BITS.v6 : MAX_BITS.v4}`
}
