import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { eventually } from '../eventually.js'
import { combined, prepared, SCRIPT } from './cli/access-log.js'
import { startScript } from './cli/process.js'

t.test('killed, or stopped by Ctrl-C, in the middle: nothing of the file is there', async (t) => {
  const { sql, flags, file, folder, stored, run } = await prepared(t)
  const log = await file('access.log', `${combined(60_000)}rubbish\n`)
  await sql.unsafe(`create function slow() returns trigger language plpgsql as
      'begin perform pg_sleep(0.01); return new; end';
    create trigger slow before insert on request_logs for each row execute function slow()`)
  const backends = () => sql`
    select from pg_stat_activity where application_name = 'aegis-ml script' and query like 'copy %'
      and datname = current_database()`
  for (const [signal, code] of [
    ['SIGKILL', 'SIGKILL'],
    ['SIGINT', 130],
  ] as const) {
    const { child, ended } = startScript(SCRIPT, [...flags, log], { cwd: folder })
    await eventually(async () => (await backends()).length > 0)
    child.kill(signal)
    t.equal((await ended).code, code)
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'aegis-ml script' and datname = current_database()`
    await eventually(async () => (await backends()).length === 0)
    t.equal(await stored(), 0)
  }
  await sql`drop trigger slow on request_logs`
  t.match(await run(log), { code: 0, stderr: /60,000 imported/ })
  t.strictSame(
    (await readdir(folder)).toSorted(),
    ['access.log', 'access.log.rejected'],
    'nothing is left behind',
  )
})

t.test('stopped while standard input is silent', async (t) => {
  const { sql, flags, folder, stored } = await prepared(t)
  const script = fileURLToPath(new URL(`../../scripts/${SCRIPT}.js`, import.meta.url))
  const child = spawn(process.execPath, [script, ...flags], {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
  })
  child.stdin.write(combined(5))
  const copying = () =>
    sql`select from pg_stat_activity where query like 'copy %' and datname = current_database()`
  await eventually(async () => (await copying()).length > 0)
  child.kill('SIGTERM')
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 143)
  t.equal(await stored(), 0)
  t.strictSame(await readdir(folder), [])
})

t.test('a failure ends the command, also while standard input is silent', async (t) => {
  const { folder } = await prepared(t)
  const script = fileURLToPath(new URL(`../../scripts/${SCRIPT}.js`, import.meta.url))
  const away = ['--db-host', '127.0.0.1', '--db-port', '1']
  const child = spawn(process.execPath, [script, ...away], {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
  })
  child.stdin.write(combined(5))
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 3)
})
