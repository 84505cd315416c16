import type { ISql } from 'postgres'

/** A column of a table that others may have made. */
export interface TableColumn {
  readonly name: string
  /** As `format_type` has it, without a length: `timestamp with time zone`. */
  readonly type: string
  /** The characters that it holds at most, Infinity if any number. */
  readonly maxLength: number
  /** Whether a row needs a value for it: it takes no null and has no default. */
  readonly isRequired: boolean
}

/** A table as it is. */
export interface TableShape {
  /** `r` is a table, `p` a partitioned one, `v` a view. */
  readonly kind: string
  readonly columns: ReadonlyMap<string, TableColumn>
  /** The time zone of the session, in which columns without a time zone are read and written. */
  readonly timeZone: string
}

/**
 * Looks at a table before it is used.
 * @throws PostgresError when there is no table of this name
 */
export async function tableShape(sql: ISql, table: string): Promise<TableShape> {
  // atttypmod of varchar(n) and char(n) is n and the four bytes of a length.
  const rows = await sql<
    (Omit<TableColumn, 'maxLength'> & { maxLength: number | null; kind: string; zone: string })[]
  >`
    select attname as name, format_type(atttypid, null) as type, relkind as kind, current_setting('TimeZone') as zone,
      case when typname in ('varchar', 'bpchar') and atttypmod > 4 then atttypmod - 4 end as "maxLength",
      attnotnull and not atthasdef and attidentity = '' as "isRequired"
    from pg_attribute join pg_type on pg_type.oid = atttypid join pg_class on pg_class.oid = attrelid
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped`
  const columns = rows.map(({ name, type, maxLength, isRequired }): [string, TableColumn] => [
    name,
    { name, type, maxLength: maxLength ?? Infinity, isRequired },
  ])
  return { kind: rows[0]?.kind ?? 'r', columns: new Map(columns), timeZone: rows[0]?.zone ?? 'UTC' }
}
