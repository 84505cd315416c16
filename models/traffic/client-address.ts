const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/
const IPV6_IN_BRACKETS = /^\[([^\]]+)\](?::\d{1,5})?$/
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const GROUP = /^[\da-f]{1,4}$/i

/**
 * The IP address of a client, as PostgreSQL's inet takes it: the first of a list (as proxies write X-Forwarded-For),
 * without port, brackets and zone; an IPv4 address that is mapped into IPv6 as IPv4.
 *
 * @returns null for what is no address, such as a host name
 * @example clientAddress('[2001:db8::1]:443, 10.0.0.1') // '2001:db8::1'
 */
export function clientAddress(text: string): string | null {
  if (isIpv4(text)) return text // by far the most
  const first = text.split(',', 1)[0]!.trim()
  const bare = (IPV4_WITH_PORT.exec(first) ?? IPV6_IN_BRACKETS.exec(first))?.[1] ?? first
  const address = bare.split('%', 1)[0]!
  const v4 = MAPPED.exec(address)?.[1] ?? address
  if (isIpv4(v4)) return v4
  return isIpv6(address) ? address : null
}

/** What a provider gives a customer, who can use any address of it (RFC 6177). */
export const DEFAULT_IPV6_PREFIX = 64
const GROUPS = 8
const GROUP_BITS = 16

/**
 * The network that an IPv6 address belongs to, as a gateway counts clients: anybody has many addresses of one network.
 * All else, such as an IPv4 address or a network, stays as it is.
 *
 * @param prefix bits, 1…128
 * @example clientNetwork('2001:db8::1:2', 64) // '2001:db8::/64'
 */
export function clientNetwork(address: string, prefix: number): string {
  if (prefix >= GROUPS * GROUP_BITS || !isIpv6(address)) return address
  const groups = expand(address).map((group, i) => {
    const kept = Math.min(GROUP_BITS, Math.max(0, prefix - i * GROUP_BITS))
    return group & (0xffff << (GROUP_BITS - kept)) & 0xffff
  })
  return `${compress(groups)}/${prefix}`
}

/** The eight numbers of a valid IPv6 address. */
function expand(address: string): number[] {
  const [head, tail] = address.split('::')
  const before = numbersOf(head!)
  if (tail === undefined) return before
  const after = numbersOf(tail)
  return [...before, ...Array<number>(GROUPS - before.length - after.length).fill(0), ...after]
}

function numbersOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [parseInt(part, 16)]
    const [a, b, c, d] = part.split('.').map(Number) as [number, number, number, number]
    return [a * 256 + b, c * 256 + d]
  })
}

/** As RFC 5952 writes it: the longest run of zeros, of two or more, is `::`. */
function compress(groups: readonly number[]): string {
  let [start, length] = [0, 0]
  for (let i = 0; i < groups.length; i++) {
    let end = i
    while (end < groups.length && groups[end] === 0) end++
    if (end - i > length) [start, length] = [i, end - i]
    i = Math.max(i, end - 1)
  }
  const text = (some: readonly number[]) => some.map((group) => group.toString(16)).join(':')
  if (length < 2) return text(groups)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

/** Four numbers up to 255, without leading zeros, between dots. */
function isIpv4(text: string): boolean {
  let dots = 0
  let value = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46 && value >= 0) {
      dots++
      value = -1
    } else if (code >= 48 && code <= 57 && value !== 0) {
      value = 10 * Math.max(0, value) + code - 48
      if (value > 255) return false
    } else return false
  }
  return dots === 3 && value >= 0
}

function isIpv6(text: string): boolean {
  if (!text.includes(':') || text.length > 45) return false
  const [head, tail, ...more] = text.split('::')
  if (more.length > 0) return false
  const before = groupsOf(head!)
  if (tail === undefined) return before === 8
  return before + groupsOf(tail) <= 7
}

/** How many groups of 16 bits; an IPv4 address at the end is two. NaN when there is something else. */
function groupsOf(text: string): number {
  if (text === '') return 0
  const parts = text.split(':')
  const last = parts.pop()!
  if (!parts.every((part) => GROUP.test(part))) return NaN
  if (GROUP.test(last)) return parts.length + 1
  return isIpv4(last) ? parts.length + 2 : NaN
}
