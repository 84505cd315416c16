import type { Sql, TransactionSql } from 'postgres'

/** Reads within a time. A query that takes longer ends with an error. */
export async function within<T>(
  sql: Sql,
  maxMs: number,
  read: (tx: TransactionSql) => Promise<T>,
): Promise<T> {
  const found = await sql.begin('read only', async (tx) => {
    await tx`select set_config('statement_timeout', ${String(maxMs)}, true)`
    return { value: await read(tx) }
  })
  return found.value
}
