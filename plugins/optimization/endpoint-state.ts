import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled, isTableUnusable } from '../../db/errors.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { hasRollups } from '../../db/traffic/endpoint-presence.js'
import { findWithoutProfile } from '../../db/traffic/endpoint-list.js'
import { endpointStates } from '../../db/traffic/endpoint-states.js'
import { countPath } from '../../db/traffic/path-preview.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { KnownEndpoint } from '../../models/optimizer/recommend.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { PLAIN_FOLDING } from '../../models/traffic/endpoint-folding.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import type { EndpointState } from './selection.js'

/** The present state of an endpoint that the active model has. One of which nothing else is known is named. */
export async function stateOfEndpoints(
  sql: Sql,
  table: TrafficTable,
): Promise<(endpoint: string) => EndpointState> {
  const states = await endpointStates(sql, table)
  const folding = await readFolding(sql, table).catch((error: unknown) => {
    if (isDatabaseAway(error) || isStatementCancelled(error)) return PLAIN_FOLDING
    throw error
  })
  return (endpoint) => {
    const isIgnored = folding.fold(splitEndpoint(endpoint).path).kind === 'ignored'
    return isIgnored ? 'ignored' : (states.get(endpoint) ?? 'named')
  }
}

/** Where it is looked for an endpoint. */
interface Places {
  readonly sql: Sql
  /** Of the request log. */
  readonly trafficSql: Sql
  readonly table: TrafficTable
  readonly now: Date
}

const LOOK_BACK_DAYS = 7
const MAX_LOOK_MS = 1_000

/**
 * What is known of an endpoint without a model. Of thousands of paths that are rarely asked for, the summary of the
 * rollups forgets some: a raw path is then looked for in the request log, for at most a second.
 *
 * @param raw the endpoint as it was asked for
 */
export async function findKnown(
  { sql, trafficSql, table, now }: Places,
  { name, raw }: { readonly name: string; readonly raw: string },
): Promise<KnownEndpoint | null> {
  const known = await findWithoutProfile(sql, table, splitEndpoint(name))
  if (known !== null) return known
  if ((await stateOfEndpoints(sql, table))(name) === 'ignored') return { state: 'ignored', requests: 0 }
  if (!(await hasRollups(sql, table))) return null // nothing was trained yet: that an endpoint has no name says nothing
  const range = { from: new Date(now.getTime() - LOOK_BACK_DAYS * DAY_MS), to: now }
  const requests = await countPath(trafficSql, table, splitEndpoint(raw), range, MAX_LOOK_MS).catch(
    (error: unknown) => {
      if (isStatementCancelled(error) || isDatabaseAway(error) || isTableUnusable(error)) return 0
      throw error
    },
  )
  return requests > 0 ? { state: 'other', requests } : null
}
