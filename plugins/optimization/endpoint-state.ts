import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled, isTableUnusable } from '../../db/errors.js'
import { readFolding } from '../../db/traffic/endpoint-folding.js'
import { findWithoutProfile } from '../../db/traffic/endpoint-list.js'
import { endpointStates } from '../../db/traffic/endpoint-states.js'
import { countPath, type PathCounts } from '../../db/traffic/path-preview.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { KnownEndpoint } from '../../models/optimizer/recommend.js'
import { GATEWAY } from '../../models/rate-limit/recommendation.js'
import { MANY_SUCCESSES } from '../../models/traffic/endpoint-candidates.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { PLAIN_FOLDING, type EndpointFolding } from '../../models/traffic/endpoint-folding.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import type { Refresh } from '../rollup-refresh.js'
import type { EndpointState } from './selection.js'

/** The present state of what the active model has. The whole gateway is named, and so is what nothing else is known of. */
export async function stateOfEndpoints(
  sql: Sql,
  table: TrafficTable,
): Promise<(endpoint: string) => EndpointState> {
  const states = await endpointStates(sql, table)
  const folding = await foldingOf(sql, table)
  return (endpoint) => {
    if (endpoint === GATEWAY) return 'named'
    const isIgnored = folding.fold(splitEndpoint(endpoint).path).kind === 'ignored'
    return isIgnored ? 'ignored' : (states.get(endpoint) ?? 'named')
  }
}

function foldingOf(sql: Sql, table: TrafficTable): Promise<EndpointFolding> {
  return readFolding(sql, table).catch((error: unknown) => {
    if (isDatabaseAway(error) || isStatementCancelled(error)) return PLAIN_FOLDING
    throw error
  })
}

/** Where it is looked for an endpoint. */
interface Places {
  readonly sql: Sql
  /** Of the request log. */
  readonly trafficSql: Sql
  readonly table: TrafficTable
  readonly now: Date
  readonly refresh: Refresh
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
  { sql, trafficSql, table, now, refresh }: Places,
  { name, raw }: { readonly name: string; readonly raw: string },
): Promise<KnownEndpoint | null> {
  await refresh()
  const folding = await foldingOf(sql, table)
  const { kind } = folding.fold(splitEndpoint(name).path)
  const isDeclared = kind === 'declared'
  const known = await findWithoutProfile(sql, table, splitEndpoint(name))
  if (known !== null && kind !== 'ignored') return { ...known, isDeclared }
  if (kind === 'ignored') return { state: 'ignored', requests: known?.requests ?? 0 }
  const range = { from: new Date(now.getTime() - LOOK_BACK_DAYS * DAY_MS), to: now }
  const counts = await countPath(trafficSql, table, splitEndpoint(raw), range, MAX_LOOK_MS).catch(
    (error: unknown) => {
      if (isStatementCancelled(error) || isDatabaseAway(error) || isTableUnusable(error)) return null
      throw error
    },
  )
  if (counts === null || counts.requests === 0) return null
  return { state: 'other', requests: counts.requests, isDeclared, ...judged(counts, isDeclared) }
}

/** As hasEarnedName of models/traffic/endpoint-candidates.ts: the rollups have not counted these requests yet. */
function judged({ requests, successes, notFound, clients }: PathCounts, isDeclared: boolean) {
  const isMissing = 2 * notFound > requests
  const isDue = !isMissing && successes > 0 && (isDeclared || clients > 1 || successes >= MANY_SUCCESSES)
  return { isMissing, isDue }
}
