import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { eventually } from '../eventually.js'
import { runScript, startScript } from './cli/process.js'
import { SCRIPT, combined, prepared } from './imported-log.js'

t.test('of a damaged file nothing is imported, of the others all is', async (t) => {
  const { run, file, stored, folder } = await prepared(t)
  const packed = gzipSync(combined(20_000))
  const truncated = await file('truncated.gz', packed.subarray(0, packed.length / 2))
  const broken = await file(
    'broken.gz',
    packed.map((byte, at) => (at > 9000 && at < 9100 ? byte ^ 0xff : byte)),
  )
  const good = await file('good.log', combined(10, 50_000))
  const { code, stderr } = await run(truncated, broken, good)
  t.equal(code, 1)
  t.match(stderr, /truncated\.gz ends in the middle of its compressed data; nothing of it was imported/)
  t.match(stderr, /broken\.gz is damaged/)
  t.match(stderr, /good\.log: 10 lines.* 10 imported/)
  t.equal(await stored(), 10)
  await writeFile(truncated, packed)
  t.match(await run(truncated), { code: 0, stderr: / 20,000 imported/ })
  t.strictSame((await readdir(folder)).toSorted(), ['broken.gz', 'good.log', 'truncated.gz'])
})

t.test('what cannot be asked for, and a log with nothing in it', async (t) => {
  const { run, file, folder, stored } = await prepared(t)
  const log = await file('access.log', combined(1))
  t.match(await run(log, join(folder, 'missing.log')), {
    code: 2,
    stderr: /missing\.log cannot be read: the file does not exist/,
  })
  t.equal(await stored(), 0, 'looked at before the first of them is read')
  t.match(await run(folder), { code: 2, stderr: /is a folder/ })
  t.match(await run('--format', 'log4j', log), { code: 2, stderr: /clf, vhost, json/ })
  t.match(await run(await file('empty.log', '')), { code: 1, stderr: /no data/ })
  t.match(await run(await file('rubbish.log', 'a\nb\n')), { code: 1, stderr: /2 rejected.*\n[^]*no data/ })
  t.equal((await readFile(join(folder, 'rubbish.log.rejected'), 'utf8')).split('\n').length, 3)
  const away = ['--db-host', '127.0.0.1', '--db-port', '1', log]
  t.match(await runScript(SCRIPT, away), { code: 3, stderr: /^import-access-log: the database: / })
})

t.test('a format that is given counts, whatever the first lines look like', async (t) => {
  const { run, file } = await prepared(t)
  const log = await file('access.log', combined(3))
  t.match(await run('--format', 'json', log), { code: 1, stderr: /no JSON object/ })
  t.match(await run('--format', 'clf', log), { code: 0, stderr: /3 imported/ })
})

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
