import type { Sql } from 'postgres'

/**
 * The temporary tables of an update. Those of a chunk are emptied at the end of its transaction; the names of
 * paths and the numbers of clients are kept from chunk to chunk, as the next one has much the same.
 */
export async function createScratch(sql: Sql): Promise<void> {
  await sql`
    create temp table rollup_paths (method text, path text, endpoint int)`
  await sql`
    create temp table rollup_clients (id int generated always as identity, client text collate "C")`
  await sql`
    create temp table rollup_new_paths (no int generated always as identity, method text, path text,
      requests bigint) on commit delete rows`
  await sql`
    create temp table rollup_unnamed (no int, method text, template text) on commit delete rows`
  await sql`
    create temp table rollup_requests (second int, endpoint int, latency float8, status int, client int,
      user_id text collate "C", address text collate "C") on commit delete rows`
  await sql`
    create temp table rollup_buckets (key bigint, latencies bigint) on commit delete rows`
}
