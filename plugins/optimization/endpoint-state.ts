import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled } from '../../db/errors.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { endpointStates } from '../../db/traffic/endpoint-states.js'
import type { TrafficTable } from '../../db/traffic/table.js'
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
