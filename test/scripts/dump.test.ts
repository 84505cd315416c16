import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { migrate } from '../../db/migrate.js'
import { randomRequests, insertRequests } from '../db/traffic/request-rows.js'
import { eventually } from '../eventually.js'
import { testDatabase } from '../postgres.js'
import { testService } from '../service.js'
import { databaseFlags, runScript, startScript } from './cli/process.js'
import { folder, FROM, TO } from './cli/traffic.js'

const aegis = (...args: string[]) => runScript('aegis-ml', args)

/** What COPY's text format has to escape, and what looks like the end of the rows. */
const TEXTS = ['\\.', '\n\\.\n', 'a\tb\\c\r\n', '\\N', '', 'ü🚦', '{"rows":1}']

async function fill(sql: Sql): Promise<void> {
  await insertRequests(sql, 'request_logs', randomRequests(500, FROM, TO, 1))
  for (const text of TEXTS) {
    await sql`insert into request_metrics (path, error) values (${text}, ${text})`
    await sql`insert into rate_limit_recommendations (endpoint_pattern, recommended_limit, reasoning, warnings, endpoint_profile)
      values (${text}, 1, ${text}, ${[text, 'b']}, ${sql.json({ text })})`
  }
  await sql`insert into request_metrics (path, error) values ('/null', null)`
  await sql`insert into aegis_ml_models (kind, version, artifact, summary) values ('k', 'v', ${'x'.repeat(300_000)}, '{}')`
  await sql`insert into aegis_ml_active_models (kind, version) values ('k', 'v')`
  await sql`insert into aegis_ml_rollup_minutes (traffic_table, minute, requests, latencies, latency_sum, status_2xx,
      status_3xx, status_4xx, status_5xx, errors, unique_ips, unique_users, histogram)
    values ('request_logs', now(), 3, 3, ${1 / 3}, 1, 1, 1, 0, 1, 1, 1, ${Buffer.from([0, 10, 92, 46, 255])})`
}

const TABLES = `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
  and relname <> 'aegis_ml_migrations' order by 1`

/** All rows of all tables, as text. */
async function contents(sql: Sql): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const { name } of await sql.unsafe<{ name: string }[]>(TABLES)) {
    const rows = await sql<{ row: string }[]>`select ${sql(name)}::text as row from ${sql(name)} order by 1`
    if (rows.length > 0) found[name] = rows.map(({ row }) => row)
  }
  return found
}

async function database(t: Test) {
  const { sql, connection } = await testDatabase(t)
  return { sql, connection, flags: databaseFlags(connection) }
}

/** A database with data, and its dump. */
async function dumped(t: Test) {
  const source = await database(t)
  await migrate(source.sql)
  await fill(source.sql)
  const file = join(await folder(t), 'a.dump')
  t.match(await aegis('dump', ...source.flags, file), {
    code: 0,
    stdout: '',
    stderr: /^518 rows of \d+ tables saved/,
  })
  return { ...source, file }
}

t.test('a restored database has the same rows, and new ones get ids above them', async (t) => {
  const { sql, file } = await dumped(t)
  const target = await database(t)
  t.match(await aegis('restore', ...target.flags, file), {
    code: 0,
    stderr: /^518 rows of \d+ tables restored/,
  })
  t.same(await contents(target.sql), await contents(sql))
  const [row] = await target.sql`
    insert into rate_limit_recommendations (endpoint_pattern, recommended_limit) values ('/', 1) returning id::int`
  t.equal(row!['id'], TEXTS.length + 1)
})

t.test('a pipe takes and gives a dump too', async (t) => {
  const { sql, flags } = await dumped(t)
  const target = await database(t)
  const from = startScript('aegis-ml', ['dump', ...flags, '-'])
  const chunks: Buffer[] = []
  from.child.stdout!.removeAllListeners('data').setEncoding('latin1')
  from.child.stdout!.on('data', (text: string) => chunks.push(Buffer.from(text, 'latin1')))
  t.match(await from.ended, { code: 0 })
  const to = startScript('aegis-ml', ['restore', ...target.flags, '-'], { input: true })
  to.child.stdin!.end(Buffer.concat(chunks))
  t.match(await to.ended, { code: 0 })
  t.same(await contents(target.sql), await contents(sql))
})

t.test('data is replaced only on request', async (t) => {
  const { sql, file } = await dumped(t)
  const target = await database(t)
  await migrate(target.sql)
  await target.sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute) values ('/mine', 7)`
  const before = await contents(target.sql)
  t.match(await aegis('restore', ...target.flags, file), {
    code: 2,
    stderr: /^aegis-ml: The database has data in rate_limit_rules\. Use --replace/,
  })
  t.same(await contents(target.sql), before)
  t.match(await aegis('restore', '--replace', ...target.flags, file), { code: 0 })
  t.same(await contents(target.sql), await contents(sql))
})

t.test('a damaged file is refused, and what was there is there', async (t) => {
  const { file } = await dumped(t)
  const target = await database(t)
  await migrate(target.sql)
  await target.sql`insert into rate_limit_rules (endpoint_pattern, requests_per_minute) values ('/mine', 7)`
  const before = await contents(target.sql)
  const whole = await readFile(file)
  const text = gunzipSync(whole)
  const lines = text.toString('latin1').split('\n')
  const changed = (from: string | RegExp, to: string) =>
    gzipSync(Buffer.from(text.toString('latin1').replace(from, to), 'latin1'))
  const flipped = Buffer.from(whole)
  flipped[Math.floor(whole.length / 2)]! ^= 1
  const damages: Readonly<Record<string, [Uint8Array, RegExp]>> = {
    'cut in the middle': [whole.subarray(0, whole.length / 2), /damaged: it is incomplete/],
    'cut before its last byte': [whole.subarray(0, -1), /damaged: it is incomplete/],
    'without its end': [
      gzipSync(Buffer.from(lines.slice(0, -2).join('\n') + '\n', 'latin1')),
      /it is incomplete/,
    ],
    'with a flipped bit': [flipped, /damaged/],
    'with another value': [changed('x'.repeat(10), 'y'.repeat(10)), /the checksum is wrong/],
    'with a row less': [changed(/\n[^\n]*\/null[^\n]*\n/, '\n'), /rows of request_metrics are missing/],
    'with more behind it': [gzipSync(Buffer.concat([text, Buffer.from('x')])), /something follows its end/],
    'of another program': [Buffer.from('-- PostgreSQL database dump\n'), /no dump of AEGIS ML/],
    'with another head': [gzipSync('{"format":"x"}\n'), /no dump of AEGIS ML/],
    'that is empty': [Buffer.alloc(0), /it is incomplete/],
    'of a newer format': [
      changed('"format_version":1', '"format_version":2'),
      /format 2, of release .*reads format 1/,
    ],
  }
  for (const [how, [bytes, reason]] of Object.entries(damages)) {
    await writeFile(file, bytes)
    t.match(await aegis('restore', '--replace', ...target.flags, file), { code: 65, stderr: reason }, how)
    t.same(await contents(target.sql), before, how)
  }
})

t.test('a dump of tables that the database does not have is refused', async (t) => {
  const { sql, flags, file } = await dumped(t)
  const target = await database(t)
  const change = async (statement: string, reason: RegExp) => {
    await sql.unsafe(statement)
    t.match(await aegis('dump', ...flags, file), { code: 0 })
    t.match(await aegis('restore', ...target.flags, file), { stderr: reason }, statement)
    t.same(await contents(target.sql), {})
  }
  await change(
    'alter table rate_limit_rules add column owner text',
    /table rate_limit_rules .* no column owner/,
  )
  await change('create table aegis_ml_beyond as select 1 as n', /no table aegis_ml_beyond/)
  await change("insert into aegis_ml_migrations (name) values ('999_beyond.sql')", /newer than this one/)
})

t.test('a database that a service uses is dumped, and is not restored', async (t) => {
  const { flags, file, ...source } = await dumped(t)
  await testService(t, {}, source)
  t.match(await aegis('dump', ...flags, file), { code: 0 })
  t.match(await aegis('restore', '--replace', ...flags, file), {
    code: 3,
    stderr: /A service uses this database/,
  })
})

t.test('stopped or killed in the middle, a restore leaves nothing and can be repeated', async (t) => {
  const { sql, file } = await dumped(t)
  const target = await database(t)
  await migrate(target.sql)
  const bytes = await readFile(file)
  for (const [signal, code] of [
    ['SIGKILL', 'SIGKILL'],
    ['SIGTERM', 143],
  ] as const) {
    const { child, ended } = startScript('aegis-ml', ['restore', ...target.flags, '-'], { input: true })
    child.stdin!.write(bytes.subarray(0, -100))
    await eventually(
      async () =>
        (
          await target.sql`select from pg_stat_activity
          where datname = current_database() and application_name = 'aegis-ml script' and xact_start is not null`
        ).count > 0,
      { what: 'the transaction of the restore' },
    )
    child.kill(signal)
    t.match(await ended, { code })
    await eventually(
      async () =>
        (
          await target.sql`select from pg_stat_activity
          where datname = current_database() and application_name = 'aegis-ml script'`
        ).count === 0,
      { what: 'the end of the sessions of the restore' },
    )
    t.same(await contents(target.sql), {}, signal)
  }
  t.match(await aegis('restore', ...target.flags, file), { code: 0 })
  t.same(await contents(target.sql), await contents(sql))
})

t.test('a dump that cannot be made leaves no file', async (t) => {
  const { flags } = await database(t)
  const path = await folder(t)
  t.match(await aegis('dump', ...flags, join(path, 'a.dump')), { code: 1, stderr: /no data/ })
  t.match(await aegis('dump', ...flags, path), { code: 2, stderr: /The file .* is a folder/ })
  t.match(await aegis('dump', '--db-host', '127.0.0.1', '--db-port', '1', join(path, 'a.dump')), { code: 3 })
  t.same(await readdir(path), [])
})

t.test('what is asked for wrongly is explained', async (t) => {
  const path = await folder(t)
  t.match(await aegis('dump'), { code: 2, stderr: /missing required argument/ })
  t.match(await aegis('restore', join(path, 'none')), { code: 2, stderr: /does not exist/ })
  t.match(await aegis('restore', path), { code: 2, stderr: /is a folder/ })
  t.match(await aegis('restore', '--help'), { code: 0, stdout: /--replace/ })
  t.match(await aegis('dump', '--help'), { code: 0, stdout: /Exit codes/ })
})
