import { chooseClient } from './client-rule.js'
import type { Reading } from './log-entry.js'

const TWO_CLIENTS =
  'two addresses may be the client, and that of the connection is taken: --client forwarded takes the other, --client remote confirms'
const FORWARDED: Reading['client'] = { kind: 'forwarded' }

/** The client of a line that may have two addresses: that of the connection, and those of X-Forwarded-For. */
export function clientOf(
  remote: string | null,
  forwarded: string | null,
  line: string,
  { client: rule, doubt }: Reading,
): string | null {
  const client = chooseClient(rule, remote, forwarded)
  const isOpen = rule.kind === 'auto' && remote !== null && forwarded !== null
  if (isOpen && chooseClient(FORWARDED, null, forwarded) !== client) doubt(TWO_CLIENTS, line)
  return client
}
