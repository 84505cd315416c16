import { createHash } from 'node:crypto'
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { runScript } from './cli/process.js'
import { SCRIPT, combined, prepared, withInput } from './imported-log.js'

t.test('a log is imported once, however often it is read, and what it grows by', async (t) => {
  const { sql, run, file, stored, folder } = await prepared(t)
  const log = await file('access.log', combined(500) + combined(3))
  const first = await run(log)
  t.match(first, {
    code: 0,
    stdout: '',
    stderr: /503 lines \(combined format, without latencies\).*503 imported/,
  })
  t.equal(await stored(), 503, 'the same line three times is three requests')
  t.match(await run(log), {
    code: 0,
    stderr: /: 0 imported into request_logs, 503 there already, 0 rejected/,
  })
  await appendFile(log, combined(2) + combined(10, 500))
  t.match(await run(log), { code: 0, stderr: /: 12 imported into request_logs, 503 there already/ })
  t.equal(await stored(), 515)
  const [row] = await sql`select * from request_logs order by timestamp, id limit 1`
  t.match(row, {
    timestamp: new Date('2026-01-04T23:00:00Z'),
    method: 'GET',
    path: '/users/0',
    status_code: 200,
    response_time_ms: null,
    user_id: null,
    ip_address: '192.0.2.0',
    user_agent: 'curl/8.0',
  })
  const touched = await sql`select from_time, to_time from aegis_ml_touched_ranges order by id`
  t.equal(touched.length, 2)
  t.strictSame(await readdir(folder), ['access.log'], 'no lines are rejected, so there is no file of them')
})

t.test('ids are UUIDs of version 5 of the line, and from the second time on of the number too', async (t) => {
  const { sql, run, file } = await prepared(t)
  const line = combined(1).trimEnd()
  await run(await file('access.log', `${line}\r\n${line}\n`))
  const uuid5 = (name: string) => {
    const namespace = Buffer.from('61656769732d4cc3a96f672d6c696e65', 'hex')
    const bytes = createHash('sha1').update(namespace).update(name).digest().subarray(0, 16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x50
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  }
  const rows = await sql`select request_id from request_logs order by id`
  t.strictSame(
    rows.map(({ request_id }) => request_id as string),
    [uuid5(line), uuid5(`${line}\n2`)],
  )
})

t.test('every format, compressed whatever the name, several at once, into either table', async (t) => {
  const { sql, run, file, stored } = await prepared(t)
  const files = [
    await file('common', '192.0.2.1 - ada [05/Jan/2026:10:00:00 +0000] "GET /common HTTP/1.1" 200 1\n'),
    await file(
      'vhost',
      'www.example.com:80 192.0.2.1 - - [05/Jan/2026:10:00:01 +0000] "GET /vhost HTTP/1.1" 200 1\n',
    ),
    await file(
      'timed',
      gzipSync(combined(1).replace('curl/8.0"', 'curl/8.0" 0.250').replace('/users/0', '/timed')),
    ),
    await file(
      'json',
      '{"time":"2026-01-05T10:00:03Z","status":429,"path":"/json","duration_ms":7.6,"client_ip":"::1"}\n',
    ),
    await file('members.gz', Buffer.concat([gzipSync(combined(2)), gzipSync(combined(2, 2))])),
  ]
  const { code, stderr } = await run('--table', 'request_metrics', ...files)
  t.equal(code, 0, stderr)
  t.match(
    stderr,
    /common format, without.*\n.*common format after the virtual host.*\n.*with latencies.*\n.*JSON lines/,
  )
  t.equal(await stored('request_metrics'), 8)
  const rows = await sql`select path, duration_ms, ip_address, user_id, rate_limited from request_metrics`
  const found = Object.fromEntries(rows.map(({ path, ...rest }) => [path as string, rest]))
  t.match(found['/common'], {
    duration_ms: null,
    user_id: 'ada',
    ip_address: '192.0.2.1',
    rate_limited: false,
  })
  t.match(found['/timed'], { duration_ms: 250 })
  t.match(found['/json'], { duration_ms: 8, ip_address: '::1', rate_limited: true })
})

t.test('fields of JSON lines that have names of their own; what is no such field', async (t) => {
  const { run, file, stored } = await prepared(t)
  const log = await file(
    'gateway.jsonl',
    '{"moment":1767607200,"answer":{"number":200,"goal":"/a"},"lasted":0.5}\n',
  )
  t.match(await run(log), { code: 1, stderr: /no timestamp/ })
  const names = ['timestamp=moment', 'status=answer.number', 'path=answer.goal', 'latency_s=lasted']
  const { code, stderr } = await run(...names.flatMap((name) => ['--field', name]), log)
  t.match({ code, stderr }, { code: 0, stderr: /1 imported/ })
  t.equal(await stored(), 1)
  for (const name of ['colour=red', 'timestamp', 'timestamp=']) {
    t.match(await run('--field', name, log), {
      code: 2,
      stderr: /--field is .* fields are timestamp, request/,
    })
  }
})

t.test('lines that cannot be read go into a file of their own, with number and reason', async (t) => {
  const { run, file, stored, folder } = await prepared(t)
  const long = 'x'.repeat(1_500_000)
  const rubbish = '\x00\x01\x02\xfe'
  const text = `${combined(2)}what is this?\n${long}\n${rubbish}\n\n${combined(1, 2)}192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] "GE`
  const log = await file('access.log', Buffer.from(text, 'latin1'))
  const { code, stderr } = await run(log)
  t.equal(code, 0, stderr)
  t.match(stderr, /3 imported into request_logs, 0 there already, 4 rejected/)
  t.match(stderr, /line 3: no time in brackets.*what is this/)
  const rejected = (await readFile(`${log}.rejected`, 'latin1'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
  t.strictSame(
    rejected.map(([number, reason]) => [number, reason]),
    [
      ['3', 'no time in brackets, followed by a request in quotes'],
      ['4', 'longer than 65,536 bytes'],
      ['5', 'binary zeros'],
      ['8', 'a request that does not end'],
    ],
  )
  t.equal(rejected[0]![2], 'what is this?')
  t.equal(rejected[1]![2]!.length, 1003)
  t.equal(await stored(), 3)

  await writeFile(log, combined(3))
  t.match(await run(log), { code: 0, stderr: /0 imported into request_logs, 3 there already, 0 rejected/ })
  t.strictSame(
    await readdir(folder),
    ['access.log'],
    'of a log that has been mended nothing is rejected any more',
  )
})

t.test('the files of rejected lines are left out when a pattern matches them too', async (t) => {
  const { run, file, stored, folder } = await prepared(t)
  await file('access.log', `${combined(2)}what is this?\n`)
  await file('access.log.1', combined(1, 2))
  await file('access.log.2.rejected.0000000a12ab.tmp', 'left by an import that was killed\n')
  const all = async () => (await readdir(folder)).toSorted().map((name) => join(folder, name))
  t.match(await run(...(await all())), { code: 0, stderr: /2\.rejected\.\S+\.tmp is skipped: / })
  const before = await readFile(join(folder, 'access.log.rejected'), 'utf8')
  const { code, stderr } = await run(...(await all()))
  t.equal(code, 0, stderr)
  t.match(stderr, /access\.log\.rejected is skipped: it contains the rejected lines of an import/)
  t.equal(stderr.match(/ 0 imported into request_logs/g)?.length, 2)
  t.equal(await readFile(join(folder, 'access.log.rejected'), 'utf8'), before)
  t.notOk((await readdir(folder)).includes('access.log.rejected.rejected'))
  t.equal(await stored(), 3)
  t.match(await run(join(folder, 'access.log.rejected')), { code: 1, stderr: /is skipped.*\n.*no data/ })
})

t.test('a line of JSON cannot stop the import of the others', async (t) => {
  const { sql, run, file, stored } = await prepared(t)
  const line = (more: object) => `${JSON.stringify({ time: 1767607200, status: 200, path: '/', ...more })}\n`
  const methods = ['GE\tT', '\\', '\n\\.\n', 'G\0', '\\N'].map((method) => line({ method }))
  const texts = ['a\tb', '\\', '\n\\.\n', 'a\0b', '\\N', '\ud800'].map((text) =>
    line({ path: `/${text}`, user: text, user_agent: text, client_ip: text, bytes: 12.5, duration_ms: 0.5 }),
  )
  const request = line({ path: undefined, request: '\0\x16\x03 /' })
  const log = await file('access.jsonl', [...methods, ...texts, request, line({})].join(''))
  for (const table of ['request_logs', 'request_metrics']) {
    const { code, stderr } = await run('--table', table, log)
    t.equal(code, 0, stderr)
    t.match(stderr, /8 imported into request_.*, 5 rejected/)
    t.match(stderr, /line 1: a method that is none: /)
    t.equal(await stored(table), 8)
  }
  const rows = await sql`select path, user_id, bytes_out from request_metrics where bytes_out is not null`
  t.strictSame(
    rows.map(({ path, user_id, bytes_out }) => [path, user_id, Number(bytes_out)] as unknown[]),
    ['a\tb', '\\', '\n\\.\n', 'a\ufffdb', '\\N', '\ufffd'].map((text) => [`/${text}`, text, 13]),
  )
})

t.test('a file of the rejected lines that cannot be made undoes the import', async (t) => {
  const { run, flags, file, stored, folder } = await prepared(t)
  const log = await file('access.log', `${combined(2)}what is this?\n`)
  await rm(`${log}.rejected`, { force: true })
  const name = 'n'.repeat(250)
  await file(name, `${combined(2)}what is this?\n`)
  t.match(await run(join(folder, name)), { code: 2, stderr: /cannot be written: ENAMETOOLONG/ })
  t.equal(await stored(), 0)
  t.match(await withInput([...flags, '-'], folder, await readFile(log)), {
    code: 0,
    stderr: /stdin\.rejected/,
  })
  t.match(await readFile(join(folder, 'stdin.rejected'), 'utf8'), /^3\t/)
})

t.test('standard input, plain and compressed, named and not', async (t) => {
  const { flags, folder, stored, run } = await prepared(t)
  t.match(await withInput(flags, folder, combined(5)), {
    code: 0,
    stderr: /standard input: 5 lines.* 5 imported/,
  })
  t.match(await withInput([...flags, '-'], folder, gzipSync(combined(6))), { code: 0, stderr: / 1 imported/ })
  t.equal(await stored(), 6)
  t.match(await withInput(flags, folder, ''), { code: 1, stderr: /no data/ })
  t.match(await run('-', '-'), { code: 2, stderr: /named twice/ })
})

t.test('a dry run says what there is, needs no database, and writes nothing', async (t) => {
  const { file, stored, folder } = await prepared(t)
  const log = await file('access.log', `${combined(100)}rubbish\n`)
  const nowhere = ['--db-host', '127.0.0.1', '--db-port', '1']
  const { code, stderr } = await runScript(SCRIPT, [...nowhere, '--dry-run', log])
  t.equal(code, 0)
  t.match(
    stderr,
    /combined format, without latencies; 101 lines: 100 requests and 1 line that cannot be parsed/,
  )
  t.match(stderr, /from 2026-01-04T23:00:00.000Z to 2026-01-04T23:01:39.000Z; 1 endpoint, 100 clients/)
  t.match(stderr, /line 101: /)
  t.match(
    stderr,
    /First request: time 2026-01-04T23:00:00.000Z, method GET, path \/users\/0, status 200, latency none, client 192.0.2.0, user none/,
  )
  t.equal(await stored(), 0)
  t.strictSame(await readdir(folder), ['access.log'])
})

t.test('a dry run shows a request of each format, in its wrappers from the inside out', async (t) => {
  const { file } = await prepared(t)
  const wrapped = combined(20)
    .trim()
    .split('\n')
    .map((line) => `Jan  5 00:00:00 web1 node: 2026-01-05T00:00:00.000Z stdout F ${line}\n`)
  const [json, bad] = ['{"time":"2026-01-05T00:00:00Z","method":"PUT","path":"/caf\\u00e9"', '\\u001b[1m']
  const line = `${json},"status":201,"latency_ms":12,"client":"192.0.2.9","user":"al${bad}"}\n`
  const log = await file('access.log', wrapped.join('') + line.repeat(60))
  const { stderr } = await runScript(SCRIPT, ['--dry-run', log])
  t.match(stderr, /\(clf in Kubernetes \(CRI\) in syslog\): time 2026-01-04T23:00:00.000Z, method GET/)
  t.match(
    stderr,
    /\(json\): time .*, method PUT, path \/café, status 201, latency 12 ms, client 192.0.2.9, user al\?\[1m/,
  )
})
