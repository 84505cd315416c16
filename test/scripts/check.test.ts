import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runScript } from './cli/process.js'

const LIMITS = 'limit_req_zone $binary_remote_addr zone=each:1m rate=1r/m;\nlimit_req zone=each burst=2;\n'
const line = (client: string, second: number) =>
  `${client} - - [31/Jan/2026:12:00:${10 + second} +0000] "GET /users/${second} HTTP/1.1" 200 512\n`
const LOG = Array.from({ length: 10 }, (_, i) => line(i < 8 ? '203.0.113.1' : '203.0.113.2', i)).join('')

t.test('check reports who would be cut off', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'aegis-ml-check-'))
  t.teardown(() => rm(cwd, { recursive: true, force: true }))
  await writeFile(join(cwd, 'limits.conf'), LIMITS)
  await writeFile(join(cwd, 'bad.conf'), `${LIMITS}include more/*.conf;\n`)
  await writeFile(join(cwd, 'access.log'), `${LOG}not a line\n`)
  const check = (...args: string[]) => runScript('aegis-ml', ['check', ...args], { cwd })

  const [text, json, strict, lenient, bad, missing] = await Promise.all([
    check('limits.conf', 'access.log'),
    check('--json', 'limits.conf', 'access.log'),
    check('--max-rejected', '0.1%', 'limits.conf', 'access.log'),
    check('--max-rejected', '0.5', 'limits.conf', 'access.log'),
    check('bad.conf', 'access.log'),
    check('limits.conf', 'access.log', '--max-rejected', 'many'),
  ])
  t.equal(text.code, 0, text.stderr)
  t.match(text.stdout, /Rejected: 5 requests \(50 %\), of 1 of 2 clients\./)
  t.match(
    text.stdout,
    /zone each: 5 of 10 requests \(50 %\), of 1 client\n {2}endpoints: GET \/users\/\{id\} 5\n {2}clients: 203.0.113.1 5/,
  )
  t.match(text.stderr, /1 line of the logs cannot be parsed/)
  t.match(JSON.parse(json.stdout), {
    ...{
      gateway: 'nginx',
      limits: 1,
      requests: 10,
      rejected: 5,
      rejected_share: 0.5,
      clients: 2,
      clients_affected: 1,
    },
    by_limit: [
      {
        limit: 'zone each',
        rejected: 5,
        clients_affected: 1,
        endpoints: [{ endpoint: 'GET /users/{id}', rejected: 5 }],
      },
    ],
    examples: [{ time: '2026-01-31T12:00:13.000Z', client: '203.0.113.1', path: '/users/3' }],
  })
  t.equal(strict.code, 1)
  t.match(strict.stderr, /50 % of the requests are rejected; allowed are 0.1 %/)
  t.match(strict.stdout, /Rejected: 5/, 'the report is printed all the same')
  t.equal(lenient.code, 0)
  t.equal(bad.code, 2)
  t.match(bad.stderr, /bad\.conf, line 3: include/)
  t.equal(missing.code, 2)
  t.match(missing.stderr, /--max-rejected is "many"/)
})

t.test('the order of the lines does not change the report', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'aegis-ml-check-'))
  t.teardown(() => rm(cwd, { recursive: true, force: true }))
  const reversed = LOG.trim().split('\n').reverse().join('\n')
  await writeFile(join(cwd, 'limits.conf'), LIMITS)
  await writeFile(join(cwd, 'access.log'), LOG)
  await writeFile(join(cwd, 'reversed.log'), reversed)
  const [inOrder, outOfOrder] = await Promise.all(
    ['access.log', 'reversed.log'].map((log) =>
      runScript('aegis-ml', ['check', '--json', 'limits.conf', log], { cwd }),
    ),
  )
  t.equal(outOfOrder!.code, 0, outOfOrder!.stderr)
  t.same(JSON.parse(outOfOrder!.stdout), JSON.parse(inOrder!.stdout))
  t.equal((JSON.parse(outOfOrder!.stdout) as { late_requests: number }).late_requests, 0)
})
