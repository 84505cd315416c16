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
