import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../../eventually.js'
import { missingProgram } from '../../missing-program.js'
import { readLog, type Expected } from './read-log.js'

const ENV = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }

/** What is asked of each server, and what its log must say. */
const REQUESTS = [
  { method: 'GET', target: '/api/orders?secret=1', path: '/api/orders', status: 200 },
  { method: 'POST', target: '/users/42', path: '/users/42', status: 200 },
  { method: 'DELETE', target: '/missing', path: '/missing', status: 404 },
]

async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A port that nobody listens on, and a backend that answers 404 to /missing. */
async function ports(t: Test): Promise<{ port: number; backend: number }> {
  const backend = createServer((request, response) => {
    response.statusCode = request.url === '/missing' ? 404 : 200
    response.end('ok')
  }).listen(0, '127.0.0.1')
  const other = createServer().listen(0, '127.0.0.1')
  await Promise.all([once(backend, 'listening'), once(other, 'listening')])
  const port = (other.address() as AddressInfo).port
  other.close()
  await once(other, 'close')
  t.teardown(() => void backend.close())
  return { port, backend: (backend.address() as AddressInfo).port }
}

function start(t: Test, program: string, args: readonly string[], folder: string): ChildProcess {
  const child = spawn(program, args, { env: { ...ENV, HOME: folder, XDG_DATA_HOME: folder } })
  t.teardown(async () => {
    const ended = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill('SIGTERM')
    await ended
  })
  return child
}

/** Sends the requests once the server answers; what it answered until then is in its log too. */
async function sendRequests(port: number): Promise<void> {
  for (const { method, target } of REQUESTS) {
    await eventually(async () => {
      const response = await fetch(`http://127.0.0.1:${port}${target}`, { method }).catch(() => undefined)
      await response?.text()
      return response !== undefined
    })
  }
}

async function checkLog(t: Test, text: () => Promise<string>, format: string, isTimed: boolean) {
  const of = ({ method, path, status, client }: Expected) => ({ method, path, status, client })
  await eventually(async () => readLog(await text()).requests.length >= REQUESTS.length)
  const log = readLog(await text())
  t.equal(log.format, format)
  t.strictSame(
    log.requests.map(of),
    REQUESTS.map(({ method, path, status }) => ({ method, path, status, client: '127.0.0.1' })),
  )
  const isNow = (each: Expected) => Math.abs(Date.parse(each.time) - Date.now()) < 3_600_000
  t.ok(log.requests.every(isNow), 'the times are those of the requests')
  t.ok(log.requests.every(({ ms, user }) => (ms === null) === !isTimed && user === null))
}

t.test('NGINX writes the combined format', { skip: missingProgram('nginx') }, async (t) => {
  const folder = await folderOf(t)
  const { port, backend } = await ports(t)
  const log = join(folder, 'access.log')
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {} http { ${temp.join(' ')}
      access_log ${log} combined;
      server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${backend}; } } }`,
  )
  start(t, 'nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')], folder)
  await sendRequests(port)
  await checkLog(t, () => readFile(log, 'utf8'), 'clf', false)
})

t.test('HAProxy writes its HTTP log', { skip: missingProgram('haproxy') }, async (t) => {
  const folder = await folderOf(t)
  const { port, backend } = await ports(t)
  await writeFile(
    join(folder, 'haproxy.cfg'),
    `global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend front
  bind 127.0.0.1:${port}
  default_backend back
backend back
  server s1 127.0.0.1:${backend}
`,
  )
  const child = start(t, 'haproxy', ['-f', join(folder, 'haproxy.cfg')], folder)
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  await sendRequests(port)
  await checkLog(t, async () => text, 'haproxy', true)
})

t.test('Caddy writes JSON', { skip: missingProgram('caddy') }, async (t) => {
  const folder = await folderOf(t)
  const { port, backend } = await ports(t)
  const log = join(folder, 'access.log')
  await writeFile(
    join(folder, 'Caddyfile'),
    `{
  admin off
}
http://127.0.0.1:${port} {
  log {
    output file ${log}
    format json
  }
  reverse_proxy 127.0.0.1:${backend}
}
`,
  )
  start(t, 'caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], folder)
  await sendRequests(port)
  await checkLog(t, () => readFile(log, 'utf8'), 'caddy', true)
})
