import type { Sql } from 'postgres'

/** A table that a dump contains, and a restore fills. */
export interface DumpTable {
  readonly name: string
  /** The columns that have values of their own; PostgreSQL computes the others. */
  readonly columns: readonly string[]
  readonly bytes: number
}

const GATEWAY_TABLES = [
  'request_logs',
  'request_metrics',
  'anomaly_events',
  'rate_limit_recommendations',
  'rate_limit_rules',
  'ml_models',
]

/** Which migrations were applied is a fact of a database, not part of its data. */
const MIGRATIONS = 'aegis_ml_migrations'

export const isGatewayTable = (name: string) => GATEWAY_TABLES.includes(name)

/**
 * The tables of the service, and those of the gateway that exist, in an order in which they can be filled: a table
 * comes after those that it references. Partitions and child tables are part of their parents.
 */
export async function dumpTables(sql: Sql): Promise<DumpTable[]> {
  const found = await sql<(DumpTable & { references: string[] })[]>`
    select c.relname as name, pg_table_size(c.oid)::float8 as bytes,
      (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
      array(select r.relname::text from pg_constraint k join pg_class r on r.oid = k.confrelid
        where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as references
    from pg_class c
    where c.relkind in ('r', 'p') and not c.relispartition and pg_table_is_visible(c.oid)
      and c.relnamespace = current_schema()::regnamespace and c.relname <> ${MIGRATIONS}
      and (c.relname = any(${GATEWAY_TABLES}::text[]) or c.relname like 'aegis\\_ml\\_%')
    order by c.relname`
  return ordered(found)
}

function ordered(tables: readonly (DumpTable & { references: string[] })[]): DumpTable[] {
  const rest = new Map(tables.map((table) => [table.name, table]))
  const sorted: DumpTable[] = []
  while (rest.size > 0) {
    const free = [...rest.values()].filter(({ references }) => !references.some((name) => rest.has(name)))
    // Tables that reference one another in a circle are left in order of their names.
    for (const { name, columns, bytes } of free.length > 0 ? free : [...rest.values()]) {
      sorted.push({ name, columns, bytes })
      rest.delete(name)
    }
  }
  return sorted
}

/** The migrations that a database has. */
export async function appliedMigrations(sql: Sql): Promise<string[]> {
  const [book] = await sql<{ name: string | null }[]>`select to_regclass(${MIGRATIONS})::text as name`
  if (book!.name === null) return []
  const rows = await sql<{ name: string }[]>`select name from ${sql(MIGRATIONS)} order by name`
  return rows.map(({ name }) => name)
}

/** How values are written as text, whatever a role or a server has set. */
export async function usePlainText(connection: Sql): Promise<void> {
  await connection`select set_config('datestyle', 'ISO, YMD', false), set_config('intervalstyle', 'postgres', false),
    set_config('timezone', 'UTC', false), set_config('extra_float_digits', '1', false),
    set_config('bytea_output', 'hex', false)`
}

/** A dump takes as long as it takes; it waits for a lock of somebody else, but not for ever. */
export const DUMP_SETTINGS = {
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  lock_timeout: '10s',
} as const
