import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { haproxyFile } from '../../../formats/limit-files/haproxy.js'
import { nginxFile } from '../../../formats/limit-files/nginx.js'
import { freePort } from '../../e2e/process.js'
import { missingProgram } from '../../missing-program.js'
import { folderOf, started, statusOf } from './gateway-process.js'
import { ENTRIES, entry, HEAD, LOG, rejectedBy } from './limit-requests.js'

/** Paths and programs that anyone can put into a log. */
const HOSTILE = [
  ...[
    '/a"\n}; \\$host*/{id}.é',
    "/it's/{id}",
    '/{a;b}',
    '/a b',
    '/$uri/\\',
    '/{id}.json',
    '//favicon.ico',
    '*',
  ],
  ...[
    '/scripts//%22x',
    'example.com:443',
    '/x\u0080y\uffff',
    '',
    'default',
    'include',
    '/#:- {}[]',
    '/\ud800half',
  ],
  `/blog/${'a-title-of-many-words-'.repeat(10)}`,
]
const PROGRAMS = ['cr\'on\n"', '10.0.0.7', '2001:db8::/64', 'not; an} address'].flatMap((client) =>
  (['user', 'address'] as const).map((kind) => ({
    ...{ client, kind, limit: 10, burst: 2, reason: '"\n', reviewAt: HEAD.generatedAt },
  })),
)
const hostile = [
  ...HOSTILE.map((path) => entry(path, { exceptions: PROGRAMS })),
  ...['CONNECT', 'M-SEARCH', 'get', 'BREW'].flatMap((method) =>
    HOSTILE.map((path) => entry(`${method} ${path}`, { path })),
  ),
  ...Array.from({ length: 1000 }, (_, i) =>
    entry(`/service-${i}/x`, { scope: i % 2 ? 'client' : 'endpoint' }),
  ),
  ...Array.from({ length: 100 }, (_, i) => entry(`/service-${i}/{id}`, { limit: 1 + i })),
  entry('/**', {
    ...{ scope: 'gateway-client', exceptions: PROGRAMS, longWindow: { seconds: 3600, limit: 900 } },
    ...{ failures: { limit: 20, seconds: 60 }, distinctPaths: { limit: 100, seconds: 3600 } },
  }),
]

const nginxConfig = (folder: string, port: number) => {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    events {}
    http { access_log off; ${paths.join(' ')} include ${folder}/limits.conf;
      server { listen 127.0.0.1:${port}; location / { root ${folder}; try_files /nothing =404; } } }`
}

const haproxyConfig = (port: number) => `
frontend web from aegis_limits
  bind 127.0.0.1:${port}
  timeout client 10s
  http-request return status 404
`

async function nginxFlags(folder: string, limits: string, port: number): Promise<string[]> {
  await writeFile(join(folder, 'limits.conf'), limits)
  await writeFile(join(folder, 'nginx.conf'), nginxConfig(folder, port))
  return ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')]
}

async function haproxyFlags(folder: string, limits: string, port: number): Promise<string[]> {
  await writeFile(join(folder, 'limits.cfg'), limits)
  await writeFile(join(folder, 'haproxy.cfg'), haproxyConfig(port))
  return ['-f', join(folder, 'limits.cfg'), '-f', join(folder, 'haproxy.cfg')]
}

async function replay(t: Test, port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const expected = rejectedBy(ENTRIES, LOG)
  const differing: string[] = []
  for (const [i, request] of LOG.entries()) {
    const status = await statusOf(port, request, agent)
    if ((status === 429) !== expected[i])
      differing.push(`${i} ${request.method} ${request.target} ${request.client}: ${status}`)
  }
  t.strictSame(differing, [], 'the same requests are rejected')
  t.ok(expected.includes(true) && expected.includes(false))
}

t.test(
  'nginx accepts hostile endpoints, and rejects what the backtest does',
  { skip: missingProgram('nginx') },
  async (t) => {
    const folder = await folderOf(t)
    const port = await freePort()
    for (const entries of [[], hostile]) {
      const flags = await nginxFlags(folder, nginxFile(entries, HEAD), port)
      const { status, stderr } = spawnSync('nginx', ['-t', ...flags], { encoding: 'utf8' })
      t.equal(status, 0, stderr.slice(0, 1000))
    }
    await started(t, 'nginx', await nginxFlags(folder, nginxFile(ENTRIES, HEAD, false), port), port)
    await replay(t, port)
  },
)

t.test(
  'haproxy accepts hostile endpoints, and rejects what the backtest does',
  { skip: missingProgram('haproxy') },
  async (t) => {
    const folder = await folderOf(t)
    const port = await freePort()
    for (const entries of [[], hostile]) {
      const flags = await haproxyFlags(folder, haproxyFile(entries, HEAD), port)
      const { status, stderr } = spawnSync('haproxy', ['-c', ...flags], { encoding: 'utf8' })
      t.equal(status, 0, stderr.slice(0, 1000))
    }
    const failing = [
      ...ENTRIES.filter(({ scope }) => scope !== 'gateway-client'),
      { ...ENTRIES.at(-1)!, burst: 12, failures: { limit: 1000, seconds: 3600 } },
    ]
    await started(
      t,
      'haproxy',
      ['-db', ...(await haproxyFlags(folder, haproxyFile(failing, HEAD, true), port))],
      port,
    )
    await replay(t, port)
  },
)
