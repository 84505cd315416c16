import { readFile, readdir } from 'node:fs/promises'
import type postgres from 'postgres'
import { lockInTransaction, LOCKS } from './lease.js'

const DIRECTORY = new URL('./migrations/', import.meta.url)

/**
 * Applies the missing migrations in order. Each is applied once, in its own transaction, which holds an advisory lock:
 * any number of replicas can start at the same time.
 * @returns the names of those applied by this call
 */
export async function migrate(sql: postgres.Sql, directory: URL = DIRECTORY): Promise<string[]> {
  const files = (await readdir(directory)).filter((name) => /^\d+_.*\.sql$/.test(name)).sort()
  const applied: string[] = []
  for (const name of files) {
    const statements = await readFile(new URL(name, directory), 'utf8')
    if (await sql.begin((tx) => applyOnce(tx, name, statements))) applied.push(name)
  }
  return applied
}

async function applyOnce(tx: postgres.TransactionSql, name: string, statements: string): Promise<boolean> {
  await lockInTransaction(tx, LOCKS.migrations)
  // "if not exists" would need the right to create tables even where the table exists.
  const [book] = await tx`select to_regclass('aegis_ml_migrations') as name`
  if (book!['name'] === null) {
    await tx`create table aegis_ml_migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    )`
  }
  const [done] = await tx`select 1 from aegis_ml_migrations where name = ${name}`
  if (done !== undefined) return false
  await tx.unsafe(statements)
  await tx`insert into aegis_ml_migrations (name) values (${name})`
  return true
}
