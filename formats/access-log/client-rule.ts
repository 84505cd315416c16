import { clientAddress } from '../../models/traffic/client-address.js'

/**
 * Which of the addresses of a line is the client's. `remote`: the one of the connection. `forwarded` and `left-most`:
 * the first of X-Forwarded-For, which the client itself can write. `right-most:N`: the Nth of X-Forwarded-For from its
 * end, which the Nth trusted proxy before the server has written. `auto`: that of the connection, or the first of
 * X-Forwarded-For in a log that has no other.
 */
export type ClientRule =
  | { readonly kind: 'auto' | 'remote' | 'forwarded'; readonly place?: undefined }
  | { readonly kind: 'right-most'; readonly place: number }

export const AUTO: ClientRule = { kind: 'auto' }

const MAX_PLACE = 20

/** What {@link clientRule} allows, in words. */
export const CLIENT_RULES = `remote, forwarded, left-most or right-most:N, N from 1 to ${MAX_PLACE}`

/** The rule that a text names; undefined for none. */
export function clientRule(text: string): ClientRule | undefined {
  if (text === 'remote' || text === 'forwarded') return { kind: text }
  if (text === 'left-most') return { kind: 'forwarded' }
  const place = Number(/^right-most:(\d{1,2})$/.exec(text)?.[1] ?? NaN)
  return place >= 1 && place <= MAX_PLACE ? { kind: 'right-most', place } : undefined
}

/**
 * The client of a line: an address without port and brackets, or a host name.
 *
 * @param remote the address of the connection as the line has it; null for none
 * @param forwarded X-Forwarded-For as the line has it; null for none
 */
export function chooseClient(
  rule: ClientRule,
  remote: string | null,
  forwarded: string | null,
): string | null {
  if (rule.kind === 'remote' || forwarded === null) return bare(remote)
  if (rule.kind === 'auto') return bare(remote) ?? first(forwarded)
  if (rule.kind !== 'right-most') return first(forwarded)
  const addresses = forwarded.split(',').map((each) => each.trim())
  return bare(addresses[Math.max(0, addresses.length - rule.place)]!)
}

/** Whether a text is addresses between commas, as X-Forwarded-For has them. */
export function areAddresses(text: string): boolean {
  return text.split(',').every((each) => clientAddress(each.trim()) !== null)
}

const first = (list: string) => bare(list.split(',', 1)[0]!.trim())

function bare(text: string | null): string | null {
  return text === null || text === '' || text === '-' ? null : (clientAddress(text) ?? text)
}
