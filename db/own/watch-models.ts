import type { Sql } from 'postgres'
import { notify } from '../notifications.js'

/** What notifies of a new watch model. */
export const WATCH_MODELS_CHANNEL = 'aegis_ml_watch_models'

/** A stored watch model without its content. */
export interface WatchModelRow {
  readonly id: string
  /** The version of the gateway's model that it was fitted for. */
  readonly modelVersion: string
  /** The row whose forest and thresholds it has. */
  readonly fitId: string
  /** When that was fitted. */
  readonly fitAt: Date
  readonly fittedAt: Date
  readonly from: Date
  readonly to: Date
  readonly endpoints: number
  /** Bytes of its content. */
  readonly bytes: number
}

/** The content of a watch model, compressed. */
export interface WatchModelContent {
  /** The gateway's model. */
  readonly gateway: Buffer
  /** What all endpoints share. */
  readonly head: Buffer
  /** The endpoints, some at a time. */
  readonly parts: Iterable<Buffer> | AsyncIterable<Buffer>
}

/** Models that are kept, if they do not have more bytes together. The newest is kept in any case. */
const KEPT_MODELS = 3
const MAX_BYTES = 300 * 1024 * 1024

const COLUMNS = `id::text, model_version as "modelVersion", fit_id::text as "fitId", fit_at as "fitAt", fitted_at as "fittedAt",
  from_time as "from", to_time as "to", endpoints, (length(gateway) + length(head)
    + coalesce((select sum(length(part.endpoints)) from aegis_ml_watch_model_parts part where watch_model = id), 0)
  )::float8 as bytes`

/**
 * Stores a model, forgets old ones and tells all replicas.
 * @param fitId null for a model with thresholds of its own
 * @returns its id
 */
export async function storeWatchModel(
  sql: Sql,
  model: Pick<WatchModelRow, 'modelVersion' | 'from' | 'to' | 'endpoints'> & {
    readonly fitId: string | null
  },
  { gateway, head, parts }: WatchModelContent,
): Promise<string> {
  const { modelVersion, from, to, endpoints, fitId } = model
  return sql.begin(async (tx) => {
    const [row] = await tx<[{ id: string }]>`
      with next as (select nextval(pg_get_serial_sequence('aegis_ml_watch_models', 'id')) as id)
      insert into aegis_ml_watch_models (id, model_version, fit_id, fit_at, from_time, to_time, endpoints, gateway, head)
      select id, ${modelVersion}, coalesce(${fitId}::bigint, id),
        coalesce((select min(fit_at) from aegis_ml_watch_models where fit_id = ${fitId}::bigint), now()), ${from}, ${to}, ${endpoints}, ${gateway}, ${head} from next
      returning id::text`
    let part = 0
    for await (const bytes of parts) {
      await tx`insert into aegis_ml_watch_model_parts values (${row.id}, ${part++}, ${bytes})`
    }
    const stored = await tx.unsafe<WatchModelRow[]>(
      `select ${COLUMNS} from aegis_ml_watch_models order by id desc`,
    )
    let bytes = 0
    const old = stored.filter((each, i) => {
      bytes += each.bytes
      return i > 0 && (i >= KEPT_MODELS || bytes > MAX_BYTES)
    })
    await tx`delete from aegis_ml_watch_models where id = any (${old.map(({ id }) => id)}::bigint[])`
    await notify(tx, WATCH_MODELS_CHANNEL, row.id)
    return row.id
  })
}

/** The newest model for a version of the gateway's model. */
export async function newestWatchModel(sql: Sql, modelVersion: string): Promise<WatchModelRow | undefined> {
  const [row] = await sql.unsafe<WatchModelRow[]>(
    `select ${COLUMNS} from aegis_ml_watch_models where model_version = $1 order by id desc limit 1`,
    [modelVersion],
  )
  return row
}

export async function findWatchModel(sql: Sql, id: string): Promise<WatchModelRow | undefined> {
  const [row] = await sql.unsafe<WatchModelRow[]>(
    `select ${COLUMNS} from aegis_ml_watch_models where id = $1`,
    [id],
  )
  return row
}

/** The gateway's model and what all endpoints share; undefined when the model was forgotten. */
export async function watchModelHead(
  sql: Sql,
  id: string,
): Promise<{ readonly gateway: Buffer; readonly head: Buffer } | undefined> {
  const [row] = await sql<{ gateway: Buffer; head: Buffer }[]>`
    select gateway, head from aegis_ml_watch_models where id = ${id}`
  return row
}

/** The endpoints of a model, some at a time. */
export async function* watchModelParts(sql: Sql, id: string): AsyncGenerator<Buffer> {
  for (let part = 0; ; part++) {
    const [row] = await sql<{ endpoints: Buffer }[]>`
      select endpoints from aegis_ml_watch_model_parts where watch_model = ${id} and part = ${part}`
    if (row === undefined) return
    yield row.endpoints
  }
}
