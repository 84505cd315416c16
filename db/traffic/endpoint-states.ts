import type { Sql } from 'postgres'
import type { KnownEndpoint } from '../../models/optimizer/recommend.js'
import { endpointName } from '../../models/traffic/endpoint-name.js'
import { isDatabaseAway, isStatementCancelled, isTableUnusable } from '../errors.js'
import { OTHER } from './endpoints.js'
import type { TrafficTable } from './table.js'

type State = KnownEndpoint['state']

/** A path is what the best known of its methods is. */
const ORDER: readonly State[] = ['named', 'ignored', 'other', 'attack']

/**
 * The states of all known endpoints by name: of each method (`GET /users/{id}`), and of each path with all its methods.
 * At most some 9,000 rows are read. Nothing is known while the database is away, and without rollups.
 */
export async function endpointStates(sql: Sql, table: TrafficTable): Promise<ReadonlyMap<string, State>> {
  const states = new Map<string, State>()
  const note = (name: string, state: State) => {
    const known = states.get(name)
    if (known === undefined || ORDER.indexOf(state) < ORDER.indexOf(known)) states.set(name, state)
  }
  for (const { method, path, state } of await readStates(sql, table)) {
    note(path, state)
    if (method !== '') note(endpointName(method, path), state)
  }
  return states
}

interface Row {
  readonly method: string
  readonly path: string
  readonly state: State
}

async function readStates(sql: Sql, table: TrafficTable): Promise<Row[]> {
  try {
    return await sql<Row[]>`
      select method, path, case state when 'declared' then 'named' when 'retired' then 'other' else state end as state
      from aegis_ml_rollup_endpoints named where traffic_table = ${table} and endpoint <> ${OTHER}
        and (state <> 'retired' or not exists (
          select from aegis_ml_rollup_candidates again
          where again.traffic_table = ${table} and again.method = named.method and again.path = named.path
        ))
      union all
      select method, path, case when 2 * not_found > requests and 2 * probes >= not_found then 'attack' else 'other' end
      from aegis_ml_rollup_candidates where traffic_table = ${table} and requests > 0`
  } catch (error) {
    if (isTableUnusable(error) || isDatabaseAway(error) || isStatementCancelled(error)) return []
    throw error
  }
}
