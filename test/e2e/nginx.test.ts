import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { RateLimitEntry } from '../../formats/limit-files/limit-entry.js'
import { freePort } from './process.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { nginxFile } from '../../formats/limit-files/nginx.js'

const HEAD = { tier: 'default', strategy: 'balanced', generatedAt: '2026-01-31T12:00:00.000Z' }
const entry = (path: string, more: Partial<RateLimitEntry> = {}): RateLimitEntry => ({
  ...{ endpoint: path, method: null, path, scope: 'client', limit: 600, burst: 20, longWindow: null },
  ...{ dayWindow: null, exceptions: [], failures: null, distinctPaths: null },
  ...more,
})
const skip = missingProgram('nginx')

/** A folder with a configuration that includes the file, and the port it listens on. */
async function configured(t: Test, limits: string) {
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-nginx-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
  await writeFile(join(folder, 'aegis-limits.conf'), limits)
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    events {}
    http { access_log off; ${paths} include ${folder}/aegis-limits.conf;
      server { listen 127.0.0.1:${port}; location / { root ${folder}; try_files /nothing =404; } } }`,
  )
  return { folder, port }
}

const flags = (folder: string) => [
  '-p',
  folder,
  '-c',
  join(folder, 'nginx.conf'),
  '-e',
  join(folder, 'error.log'),
]

t.test('nginx accepts the file, hostile paths and a thousand endpoints in it', { skip }, async (t) => {
  const paths = ['/a"\n}; \\$host*/{id}.é', "/it's/{id}", '/{a;b}', '/a b', '/$uri/\\', '/{id}.json']
  const unusual = ['//favicon.ico', '/scripts//%22x', '*', 'example.com:443', '/x\u0080y\uffff', '']
  const long = `/blog/${'a-title-of-many-words-'.repeat(10)}`
  const many = Array.from({ length: 1000 }, (_, i) =>
    entry(`/service-${i}/{id}`, { scope: i % 2 ? 'client' : 'endpoint' }),
  )
  const methods = ['OPTIONS', 'CONNECT', 'M-SEARCH', 'BREW', 'get', 'GET', null].flatMap((method) =>
    unusual.map((path) => entry(path, { method, endpoint: `${method} ${path}` })),
  )
  for (const entries of [[], paths.map((path) => entry(path)), methods, [entry(long), ...many]]) {
    const { folder } = await configured(t, nginxFile(entries, HEAD))
    const { status, stderr } = spawnSync('nginx', ['-t', ...flags(folder)], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
  }
})

t.test('nginx lets through the burst and then the rate, and nothing else is limited', { skip }, async (t) => {
  const entries = [
    entry('/users/{id}', { method: 'GET', endpoint: 'GET /users/{id}', limit: 60, burst: 7 }),
    entry('/users/me', { method: 'GET', endpoint: 'GET /users/me', limit: 60, burst: 7 }),
  ]
  for (const dryRun of [false, true]) {
    const { folder, port } = await configured(t, nginxFile(entries, HEAD, dryRun))
    const nginx = spawn('nginx', flags(folder), { stdio: 'ignore' })
    const ended = new Promise((resolve) => nginx.once('exit', resolve))
    try {
      const ask = async (path: string, method = 'GET') =>
        (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status
      await eventually(
        () =>
          ask('/').then(
            () => true,
            () => false,
          ),
        { what: 'an answer of nginx' },
      )
      const startedMs = performance.now()
      const statuses: number[] = []
      for (let i = 0; i < 30; i++) statuses.push(await ask(`/users/${i}`))
      const passed = statuses.filter((status) => status === 404).length
      // One a second is refilled, while these were sent.
      const refilled = Math.ceil((performance.now() - startedMs) / 1000)
      if (dryRun) t.equal(passed, 30, 'only logged')
      else t.ok(passed >= 7 && passed <= 7 + refilled, `${passed} passed`)
      for (let i = 0; i < 10; i++) t.not(await ask(`/users/${i}/orders`), 429)
      // A path of its own counts by itself, not with the template that it would match too.
      for (let i = 0; i < 7; i++) t.not(await ask('/users/me'), 429)
      t.not(await ask('/users/1', 'DELETE'), 429)
    } finally {
      nginx.kill()
      await ended
    }
  }
})
