import type { JSONValue, Sql } from 'postgres'

/** The stored memories of sources that have reported since a time; at most 1,000, the newest first. */
export async function keptStreams<M>(sql: Sql, sinceMs: number): Promise<[string, M][]> {
  const rows = await sql<{ source: string; memory: M }[]>`
    select source, memory from aegis_ml_streams where updated_at >= ${new Date(sinceMs)}
    order by updated_at desc limit 1000`
  return rows.map(({ source, memory }) => [source, memory])
}

/** Stores the memories of some sources. When several replicas store a source, the last one wins. */
export async function keepStreamMemories(sql: Sql, memories: readonly [string, unknown][]): Promise<void> {
  if (memories.length === 0) return
  const rows = memories.map(([source, memory]) => ({ source, memory: sql.json(memory as JSONValue) }))
  await sql`
    insert into aegis_ml_streams ${sql(rows as never, 'source', 'memory')}
    on conflict (source) do update set memory = excluded.memory, updated_at = now()`
}

/** Deletes the memories that were last stored before a time. */
export async function forgetStreams(sql: Sql, beforeMs: number): Promise<void> {
  await sql`delete from aegis_ml_streams where updated_at < ${new Date(beforeMs)}`
}
