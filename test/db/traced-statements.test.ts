import t from 'tap'
import { statementName, watchStatements } from '../../db/traced-statements.js'
import { testDatabase } from '../postgres.js'

t.test('a statement is named by its verb and its first table, never by values', async (t) => {
  for (const [text, operation, table] of [
    ['select id from aegis_ml_incidents where id = ', 'select', 'aegis_ml_incidents'],
    ['\n  insert into "aegis_ml_audit" (at) values (', 'insert', 'aegis_ml_audit'],
    ['update aegis_ml_jobs set state = ', 'update', 'aegis_ml_jobs'],
    ['with a as (delete from only b returning id) select from a', 'delete', 'b'],
    ['WITH a AS (select 1) select * from a', 'select', 'a'],
    ['copy request_logs (path) from stdin', 'copy', 'request_logs'],
    ['begin isolation level repeatable read', 'begin', null],
    ['select ', 'select', null],
    ['', 'statement', null],
  ] as const) {
    t.same(statementName(text), { operation, table }, text)
  }
})

t.test('each statement has a start and an end, also within transactions and when it fails', async (t) => {
  const { sql } = await testDatabase(t)
  await sql`select` // the driver asks for types first
  const seen: string[] = []
  watchStatements(({ operation }) => {
    seen.push(operation)
    return (error) => void seen.push(error === undefined ? 'ok' : `${operation} failed`)
  })
  t.teardown(() => watchStatements(undefined))
  const part = sql`1`
  await sql`select ${part}`
  await sql.begin((tx) => tx`update pg_class set relname = relname where false`)
  await t.rejects(sql`select nowhere`)
  watchStatements(undefined)
  await sql`select 1`
  t.same(seen, ['select', 'ok', 'begin', 'ok', 'update', 'ok', 'commit', 'ok', 'select', 'select failed'])
})
