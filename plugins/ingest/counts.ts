import type { RowReason } from '../../formats/ingest/row-reader.js'

/** What was ingested since the start, over all interfaces. */
export interface IngestCounts {
  /** Requests that were stored. */
  readonly requests: number
  readonly batches: Readonly<Record<BatchOutcome, number>>
  /** Requests that were refused one by one, beside others that were stored. */
  readonly refused: Readonly<Record<RowReason, number>>
}

export type BatchOutcome = 'stored' | 'duplicate' | 'refused'

export class IngestTally implements IngestCounts {
  requests = 0
  readonly batches = { stored: 0, duplicate: 0, refused: 0 }
  readonly refused = { missing: 0, invalid: 0, out_of_range: 0, not_json: 0, no_partition: 0 }

  /** @param added the requests of the batch that are stored now */
  addBatch(outcome: BatchOutcome, added: number): void {
    this.batches[outcome]++
    this.requests += added
  }

  addRefused(reason: RowReason, count: number): void {
    this.refused[reason] += count
  }

  /** Counts a batch whose work fails. */
  async orRefused<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      this.batches.refused++
      throw error
    }
  }
}
