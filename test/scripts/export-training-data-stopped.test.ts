import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { eventually } from '../eventually.js'
import type { Sql } from 'postgres'
import { runScript, startScript } from './cli/process.js'
import { folder, FROM, RANGE, SCRIPT, traffic } from './cli/traffic.js'

/** With the choice of the table by its rows, a command would wait for it before its export. */
const TABLE = ['--table', 'request_logs']

/** From here on every query on the traffic takes minutes. */
async function slowDown(sql: Sql): Promise<void> {
  await sql`alter table request_logs rename to slow_requests`
  await sql`create view request_logs as select slow_requests.* from slow_requests, pg_sleep(300)`
}

async function running(sql: Sql): Promise<void> {
  const copies = () =>
    sql`select 1 from pg_stat_activity where datname = current_database() and query like 'copy (%' and state = 'active'`
  await eventually(async () => (await copies()).length > 0)
}

t.test('stopped in the middle it leaves no file, old or new, but the one that was there', async (t) => {
  const { sql, flags } = await traffic(t)
  await slowDown(sql)
  const path = await folder(t)
  const file = join(path, 'x.csv')
  await writeFile(file, 'old')
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { child, ended } = startScript(SCRIPT, [...flags, ...RANGE, ...TABLE, '--output', file])
    await running(sql)
    child.kill(signal)
    child.kill(signal) // once from the terminal, once from npm
    t.match(await ended, { code, stdout: '', stderr: /stopped by SIG/ })
    t.same(await readdir(path), ['x.csv'])
  }
  const { child, ended } = startScript(SCRIPT, [...flags, ...RANGE, ...TABLE, '--output', file])
  await running(sql)
  child.kill('SIGKILL')
  await ended
  t.equal(await readFile(file, 'utf8'), 'old')
  t.equal((await readdir(path)).length, 2, 'killed, it leaves its unfinished file')
  await sql`drop view request_logs`
  await sql`alter table slow_requests rename to request_logs`
  t.match(await runScript(SCRIPT, [...flags, ...RANGE, ...TABLE, '--output', file]), { code: 0 })
  t.same(await readdir(path), ['x.csv'], 'which the next run removes')
})

t.test('a reader that hangs up ends it quietly', async (t) => {
  const { flags } = await traffic(t, 20_000)
  const { child, ended } = startScript(SCRIPT, [...flags, ...RANGE, '--type', 'endpoint'])
  child.stdout!.once('data', () => child.stdout!.destroy())
  t.match(await ended, { code: 141, stderr: '' })
})

t.test('a database that goes away in the middle is exit code 3, and no file', async (t) => {
  const { sql, flags } = await traffic(t)
  await slowDown(sql)
  const path = await folder(t)
  const { ended } = startScript(SCRIPT, [...flags, ...RANGE, ...TABLE, '--output', join(path, 'x.csv')])
  await running(sql)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like 'copy (%'`
  t.match(await ended, { code: 3, stderr: /the database: .*(terminating|lost)/ })
  t.same(await readdir(path), [])
})

t.test('a reader that pauses holds the server back, not the memory', async (t) => {
  const { sql, flags } = await traffic(t, 0)
  await sql`insert into request_logs ("timestamp", method, path, status_code)
    select ${FROM}::timestamptz + i * interval '0.5 seconds', 'GET', '/' || repeat('x', 30) || chr(97 + i % 26) || chr(97 + i / 26 % 26), 200
    from generate_series(0, 160000) i`
  const { child, ended } = startScript(SCRIPT, [...flags, ...RANGE, '--type', 'endpoint'])
  child.stdout!.pause()
  const waiting = () =>
    sql`select 1 from pg_stat_activity where datname = current_database() and wait_event = 'ClientWrite'`
  await eventually(async () => (await waiting()).length > 0)
  await delay(500)
  t.equal((await waiting()).length, 1)
  child.stdout!.resume()
  const { code, stdout } = await ended
  t.equal(code, 0)
  t.equal(stdout.split('\r\n').length, 2 + 160_001)
})
