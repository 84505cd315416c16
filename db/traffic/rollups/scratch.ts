import type { Sql } from 'postgres'

/**
 * The temporary tables of an update. Those of a chunk are emptied at the end of its transaction; the
 * endpoints of paths and the numbers of users and addresses are kept from chunk to chunk, as the next one has much the same.
 */
export async function createScratch(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create temp table rollup_paths (method text, path text, endpoint int, is_value bool);
    create temp table rollup_names (no int generated always as identity, name text collate "C");
    create temp table rollup_new_paths (no int generated always as identity, method text, path text,
      requests bigint, successes bigint, not_found bigint, probes bigint, first_client int, last_client int,
      first_ms float8, last_ms float8) on commit delete rows;
    create temp table rollup_unnamed (no int, method text, template text, kind text, value_count int) on commit delete rows;
    create temp table rollup_requests (second int, endpoint int, latency float8, status int, user_no int,
      address_no int) on commit delete rows;
    create temp table rollup_buckets (key bigint, latencies bigint) on commit delete rows`)
}

/** The size of a table that is kept from chunk to chunk. */
export class ScratchSize {
  readonly #max: number
  #rows = 0
  #analyzed = 0

  constructor(max: number) {
    this.#max = max
  }

  get isFull(): boolean {
    return this.#rows > this.#max
  }

  /** Whether the table has grown so much that it should be analyzed again. */
  add(rows: number): boolean {
    this.#rows += rows
    if (this.#rows <= 1.5 * this.#analyzed) return false
    this.#analyzed = this.#rows
    return true
  }

  clear(): void {
    this.#rows = 0
    this.#analyzed = 0
  }
}
