import type { ISql, Sql } from 'postgres'
import {
  begunMs,
  deploymentBefore,
  describeDeployment,
  MAX_DEPLOYMENT_AGE_MS,
  type Affected,
  type Deployment,
} from '../../models/incidents/deployment.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { IncidentChange } from './incidents.js'

export interface StoredDeployment extends Deployment {
  readonly id: string
  readonly createdAt: Date
}

export interface DeploymentFilter {
  readonly from: Date | null
  readonly to: Date | null
  readonly source: string | null
  readonly endpoint: string | null
  readonly after: { readonly atMs: number; readonly id: string } | null
  readonly limit: number
}

interface Row {
  readonly id: string
  readonly source: string | null
  readonly endpoint: string | null
  readonly version: string
  readonly at: Date
  readonly createdAt: Date
}

const columns = (sql: ISql) => sql`id::text, source, endpoint, version, at, created_at as "createdAt"`

const fromRow = ({ at, ...rest }: Row): StoredDeployment => ({ ...rest, atMs: at.getTime() })

/** Stores a deployment. The same one again is the one that is stored. */
export async function putDeployment(sql: ISql, deployment: Deployment): Promise<StoredDeployment> {
  const { source, endpoint, version, atMs } = deployment
  const at = new Date(atMs)
  const [row] = await sql<[Row]>`
    insert into aegis_ml_deployments (source, endpoint, version, at) values (${source}, ${endpoint}, ${version}, ${at})
    on conflict (at, version, coalesce(source, ''), coalesce(endpoint, '')) do update set version = excluded.version
    returning ${columns(sql)}`
  return fromRow(row)
}

/** The newest first. */
export async function findDeployments(sql: Sql, filter: DeploymentFilter): Promise<StoredDeployment[]> {
  const { from, to, source, endpoint, after, limit } = filter
  const rows = await sql<Row[]>`
    select ${columns(sql)} from aegis_ml_deployments
    where true ${from ? sql`and at >= ${from}` : sql``} ${to ? sql`and at < ${to}` : sql``}
      ${source === null ? sql`` : sql`and coalesce(source, case when endpoint is null then ${GATEWAY} end) = ${source}`}
      ${endpoint === null ? sql`` : sql`and endpoint = ${endpoint}`}
      ${after ? sql`and (at, id) < (${new Date(after.atMs)}, ${after.id}::bigint)` : sql``}
    order by at desc, aegis_ml_deployments.id desc limit ${limit}`
  return rows.map(fromRow)
}

/** More deployments at a time are not compared: the newest are. */
const MAX_COMPARED = 1_000

/** Those from a time on and before another one, ms since 1970. */
export async function deploymentsBetween(sql: ISql, fromMs: number, toMs: number): Promise<Deployment[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from aegis_ml_deployments
    where at >= ${new Date(fromMs)} and at < ${new Date(toMs)} order by at desc limit ${MAX_COMPARED}`
  return rows.map(fromRow)
}

/** The deployment that an incident began after, as a change; null without one. */
export async function changeByDeployment(sql: ISql, incident: Affected): Promise<IncidentChange | null> {
  const begun = begunMs(incident)
  const near = await deploymentsBetween(sql, incident.startedMs - MAX_DEPLOYMENT_AGE_MS, begun + MINUTE_MS)
  const found = deploymentBefore(incident, near, GATEWAY)
  if (found === undefined) return null
  const detail = describeDeployment(found, begun, GATEWAY)
  return { kind: 'deployment', at: new Date(found.atMs).toISOString(), detail }
}

/** More deployments than this are not kept: the oldest are deleted. */
const MAX_DEPLOYMENTS = 50_000

export async function deleteOldDeployments(sql: Sql, before: Date): Promise<void> {
  await sql`delete from aegis_ml_deployments where at < ${before} or id in (
    select id from aegis_ml_deployments order by at desc, id desc offset ${MAX_DEPLOYMENTS})`
}
