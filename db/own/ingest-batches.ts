import type { Sql } from 'postgres'

/** Callers do not send a batch again after this time. */
const REMEMBERED = '8 days'

/** More than the one row that a batch adds, so that old rows do not accumulate. */
const MAX_FORGOTTEN = 20

/**
 * Records the id of a batch, in the transaction that writes its rows. A second batch of the same id waits for the end
 * of the first one.
 * @returns false when a batch of this id is stored
 */
export async function enterBatch(tx: Sql, id: string, requests: number): Promise<boolean> {
  const [entered] = await tx`
    insert into aegis_ml_ingest_batches (batch_id, requests) values (${id}, ${requests})
    on conflict do nothing returning true`
  return entered !== undefined
}

export async function forgetOldBatches(tx: Sql): Promise<void> {
  await tx`
    delete from aegis_ml_ingest_batches where batch_id in (
      select batch_id from aegis_ml_ingest_batches where created_at < now() - ${REMEMBERED}::interval
      order by created_at limit ${MAX_FORGOTTEN} for update skip locked
    )`
}
