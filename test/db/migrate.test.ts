import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type postgres from 'postgres'
import t from 'tap'
import { migrate } from '../../db/migrate.js'
import { openSql, testDatabase, testDirectory } from '../postgres.js'

const MIGRATIONS = [
  '001_gateway_tables.sql',
  '002_rollups.sql',
  '003_models.sql',
  '004_ingest.sql',
  '005_streams.sql',
  '006_rollups_without_clients.sql',
  '007_gateway_keys.sql',
  '008_ingest_sources.sql',
  '009_prometheus.sql',
  '010_rollups_endpoint_names.sql',
  '011_path_rules.sql',
  '012_rollups_positions.sql',
  '013_automatic_training.sql',
  '014_incidents.sql',
  '015_notifications.sql',
  '016_watch_models.sql',
  '018_feedback.sql',
  '019_incident_limits.sql',
  '020_audit.sql',
]

const TABLES = [
  'anomaly_events',
  'ml_models',
  'rate_limit_recommendations',
  'rate_limit_rules',
  'request_logs',
  'request_metrics',
]

t.test('an empty database gets every table, once', async (t) => {
  const { sql } = await testDatabase(t)
  t.strictSame(await migrate(sql), MIGRATIONS)
  t.strictSame(
    (await tableNames(sql)).filter((name) => !name.startsWith('aegis_ml_')),
    TABLES,
  )
  t.strictSame(await migrate(sql), [], 'the second time there is nothing to do')
})

t.test('a database of the release before loses the rollup of clients and keeps the others', async (t) => {
  const { sql } = await testDatabase(t)
  const source = new URL('../../db/migrations/', import.meta.url)
  const directory = join(await testDirectory(t), 'migrations')
  await mkdir(directory)
  for (const name of MIGRATIONS.slice(0, 5)) await copyFile(new URL(name, source), join(directory, name))
  await migrate(sql, pathToFileURL(`${directory}/`))
  await sql`insert into aegis_ml_rollup_state values ('request_logs', '2026-03-01', '2026-03-01')`
  await sql`insert into aegis_ml_rollup_client_hours values ('request_logs', '2026-03-01', 1, 1, 'alice', 1, 1, 1, 1)`

  t.strictSame(await migrate(sql), MIGRATIONS.slice(5))
  t.notOk((await tableNames(sql)).includes('aegis_ml_rollup_client_hours'))
  const state = await sql`select traffic_table, rolled_to from aegis_ml_rollup_state`
  t.strictSame([...state], [{ traffic_table: 'request_logs', rolled_to: new Date('2026-03-01T00:00:00Z') }])
})

t.test('the tables take the rows of a gateway', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  await sql`insert into request_logs ("timestamp", method, path, status_code, response_time_ms, ip_address, request_id)
    values (now(), 'GET', '/users', 200, 12, '10.0.0.1', gen_random_uuid())`
  await sql`insert into request_metrics ("timestamp", request_id, path, method, status_code, duration_ms, bytes_in)
    values (now(), 'r1', '/users', 'GET', 200, 12, 5000000000)`
  await sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier, burst_size, enabled, description)
    values ('/users', 300, 'standard', 50, true, null)`
  await sql`insert into anomaly_events (anomaly_type, severity, confidence, metrics)
    values ('traffic_spike', 'high', 0.9876, ${sql.json({ rps: 1 })})`
  await t.rejects(
    sql`insert into anomaly_events (anomaly_type, severity, status) values ('traffic_spike', 'high', 'strange')`,
    { code: '23514' },
  )
})

t.test('primary keys of what grows hold the time', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  for (const [table, column] of [
    ['request_logs', 'timestamp'],
    ['request_metrics', 'timestamp'],
    ['anomaly_events', 'detected_at'],
  ] as const) {
    const keys = await sql<{ name: string }[]>`
      select attribute.attname as name from pg_index index
      join pg_attribute attribute on attribute.attrelid = indrelid and attribute.attnum = any(indkey)
      where indrelid = ${table}::regclass and indisprimary`
    t.ok(
      keys.some(({ name }) => name === column),
      table,
    )
  }
})

t.test('five replicas that start at once apply each migration once', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const replicas = Array.from({ length: 5 }, () => openSql(connection))
  t.teardown(() => Promise.all(replicas.map((replica) => replica.end({ timeout: 1 }))))
  const applied = await Promise.all(replicas.map((replica) => migrate(replica)))
  t.strictSame(applied.flat().sort(), MIGRATIONS)
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from aegis_ml_migrations`
  t.equal(row!.n, MIGRATIONS.length)
})

t.test('what stands is left as it is', async (t) => {
  const { sql, connection } = await testDatabase(t)
  await sql.unsafe(`
    create table request_logs (id uuid, "timestamp" timestamp, path varchar(10), extra text);
    insert into request_logs (path, extra) values ('/a', 'kept');
    create table request_metrics_2 (id int, "timestamp" timestamptz);
    create view request_metrics as select * from request_metrics_2;
    create table anomaly_events (id bigint, detected_at timestamptz) partition by range (detected_at);
    create schema gateway;
    create table gateway.ml_models (id int);
    alter database ${connection.database} set search_path = public, gateway;
  `)
  const before = await shape(sql)
  const seeing = openSql(connection)
  t.teardown(() => seeing.end({ timeout: 1 }))
  await migrate(seeing)
  const after = await shape(sql)
  t.strictSame(
    after.filter(({ relation }) => before.some((row) => row.relation === relation)),
    before,
    'columns, types and indexes',
  )
  t.strictSame([...(await sql`select path, extra from request_logs`)], [{ path: '/a', extra: 'kept' }])
  const [elsewhere] = await sql`select to_regclass('public.ml_models') as name`
  t.equal(elsewhere!['name'], null, 'a table that is seen in another schema is not made again')
  t.ok((await tableNames(sql)).includes('rate_limit_rules'), 'the others are made')
})

t.test('a migration that fails leaves nothing of itself, and those before it stand', async (t) => {
  const { sql } = await testDatabase(t)
  const directory = join(await testDirectory(t), 'migrations')
  await mkdir(directory)
  await writeFile(join(directory, '001_good.sql'), 'create table good (id int);')
  await writeFile(join(directory, '002_bad.sql'), 'create table half (id int); select 1 / 0;')
  await writeFile(join(directory, 'notes.txt'), 'not a migration')
  const url = pathToFileURL(`${directory}/`)
  await t.rejects(migrate(sql, url), { code: '22012' })
  t.strictSame(await tableNames(sql), ['aegis_ml_migrations', 'good'])
  await writeFile(join(directory, '002_bad.sql'), 'create table whole (id int);')
  t.strictSame(await migrate(sql, url), ['002_bad.sql'])
})

t.test('a user without the right to create gets on once the tables are there', async (t) => {
  const { sql, connection } = await testDatabase(t)
  const user = `limited_${connection.database}`
  await sql.unsafe(`create role ${user} login password 'limited'; revoke create on schema public from public`)
  const limited = openSql({ ...connection, user, password: 'limited' })
  t.teardown(async () => {
    await limited.end({ timeout: 1 })
    await sql.unsafe(`drop owned by ${user}; drop role ${user}`)
  })
  await t.rejects(migrate(limited), { code: '42501' })
  await migrate(sql)
  await sql.unsafe(`grant select on all tables in schema public to ${user}`)
  t.strictSame(await migrate(limited), [])
})

async function tableNames(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`
  return rows.map(({ name }) => name)
}

/** Every column and index of the database's own relations. */
async function shape(sql: postgres.Sql) {
  const rows = await sql<{ relation: string; detail: string }[]>`
    select attrelid::regclass::text as relation, attname || ' ' || format_type(atttypid, atttypmod) as detail
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace in ('public'::regnamespace, 'gateway'::regnamespace) and attnum > 0 and relkind <> 'i'
    union all
    select tablename, indexdef from pg_indexes where schemaname in ('public', 'gateway')
    order by 1, 2`
  return [...rows]
}
