import { addressesOf, isLocal } from '../../config/callers.js'
import { maxConnections, maxOpenFiles } from './open-files.js'
import type { ServerLimits } from './server.js'

/** A gateway of many processes, each with several connections. */
const MAX_PER_ADDRESS = 512

const HEADERS_MS = 20_000
const CHECK_MS = 2_000
/** With the time of a check, a slow sender is closed within a minute, as the answer says. */
const REQUEST_MS = 60_000 - CHECK_MS
/** Longer than load balancers keep a connection, which then never use one that is being closed. */
const KEEP_ALIVE_MS = 72_000

/** What the server of the service allows. */
export function serverLimits(trustedProxies: readonly string[]): ServerLimits {
  const isProxy = addressesOf(trustedProxies)
  return {
    maxConnections: maxConnections(maxOpenFiles()),
    maxPerAddress: MAX_PER_ADDRESS,
    isExempt: (address) => isLocal(address) || isProxy(address),
    ...{ headersMs: HEADERS_MS, requestMs: REQUEST_MS, checkMs: CHECK_MS, keepAliveMs: KEEP_ALIVE_MS },
  }
}
