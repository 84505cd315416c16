import { isIP } from 'node:net'

/** A name, or an address of IPv6 in brackets; a dot at its end and a port may follow. */
const AUTHORITY = /^(?:\[([\da-f:.]{2,45})\]|([\w-]{1,63}(?:\.[\w-]{1,63}){0,20})\.?)(?::\d{0,5})?$/i

const MAX_AUTHORITY = 300

/** The host of a Host header or of a target, in lower case and without its port; null for a text that is none. */
export function hostNameOf(authority: string): string | null {
  const [, address, name] = (authority.length <= MAX_AUTHORITY && AUTHORITY.exec(authority)) || []
  return (address ?? name)?.toLowerCase() ?? null
}

/**
 * Whether a host is one of the service. Every IP address is: a page that has a name pointed at the service (DNS
 * rebinding) sends that name, and a page at an address comes from the address itself.
 *
 * @param names in lower case; `*.example.com` is every name below it, `*` every name
 */
export function createHostList(names: readonly string[]): (host: string) => boolean {
  if (names.includes('*')) return () => true
  const exact = new Set(['localhost', ...names])
  const suffixes = ['*.localhost', ...names]
    .filter((name) => name.startsWith('*.'))
    .map((name) => name.slice(1))
  return (host) => exact.has(host) || isIP(host) !== 0 || suffixes.some((suffix) => host.endsWith(suffix))
}
