import type { Sql } from 'postgres'

/** Callers do not send a batch again after this time. */
const REMEMBERED = '8 days'

/** More than the one row that a batch adds, so that old rows do not accumulate. */
const MAX_FORGOTTEN = 20

/** What a batch is known by. */
export interface BatchIdentity {
  readonly source: string
  readonly id: string
  /** SHA-256 of the content; undefined if the sender does not have one, which then counts as the same. */
  readonly hash: Uint8Array | undefined
}

/** Another batch with this id and other content is stored. */
export class BatchConflictError extends Error {}

/**
 * Records the id of a batch, in the transaction that writes its rows. A second batch of the same id waits for the end
 * of the first one.
 * @returns false when this batch is stored
 * @throws BatchConflictError when the stored batch of this id has other content
 */
export async function enterBatch(tx: Sql, batch: BatchIdentity, requests: number): Promise<boolean> {
  const { source, id, hash = null } = batch
  const [entered] = await tx`
    insert into aegis_ml_ingest_batches (source, batch_id, requests, content_hash)
    values (${source}, ${id}, ${requests}, ${hash})
    on conflict do nothing returning true`
  if (entered !== undefined) return true
  const [stored] = await tx<{ same: boolean }[]>`
    select content_hash = ${hash}::bytea is not false as same from aegis_ml_ingest_batches
    where source = ${source} and batch_id = ${id}`
  // It was forgotten in between.
  if (stored === undefined) return enterBatch(tx, batch, requests)
  if (!stored.same) throw new BatchConflictError(`Another batch ${id} of ${source} is stored.`)
  return false
}

export async function forgetOldBatches(tx: Sql): Promise<void> {
  await tx`
    delete from aegis_ml_ingest_batches where (source, batch_id) in (
      select source, batch_id from aegis_ml_ingest_batches where created_at < now() - ${REMEMBERED}::interval
      order by created_at limit ${MAX_FORGOTTEN} for update skip locked
    )`
}
