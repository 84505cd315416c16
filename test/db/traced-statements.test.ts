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
    ['insert into a(b) select c from d', 'insert', 'a'],
    ['select extract(epoch from minute) from unnest( ) x join aegis_ml_b on true', 'select', 'aegis_ml_b'],
    ['select 1 from  where minute >= ', 'select', null],
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
  watchStatements((name) => {
    const { operation, table } = name()
    seen.push([operation, table].filter(Boolean).join(' '))
    return (error) => void seen.push(error === undefined ? 'ok' : `${operation} failed`)
  })
  t.teardown(() => watchStatements(undefined))
  const part = sql`from ${sql('pg_class')} where relname = ${'geheim'}`
  await sql`select 1 ${part} limit ${1}`
  await sql.begin((tx) => tx`update pg_class set relname = relname where false`)
  await t.rejects(sql`select nowhere`)
  watchStatements(undefined)
  await sql`select 1`
  t.same(seen, [
    'select pg_class',
    'ok',
    'begin',
    'ok',
    'update pg_class',
    'ok',
    'commit',
    'ok',
    'select',
    'select failed',
  ])
})
