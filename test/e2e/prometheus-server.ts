import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { eventually } from '../eventually.js'
import { testDirectory } from '../postgres.js'
import { freePort } from './process.js'

/** Samples of series, in OpenMetrics. */
export interface MetricsHistory {
  readonly lines: Iterable<string>
}

/** A real Prometheus with a history, stopped after the test. It scrapes nothing. */
export async function startPrometheus(
  t: Test,
  { lines }: MetricsHistory,
  flags: readonly string[] = [],
): Promise<string> {
  const folder = await testDirectory(t)
  await writeFile(join(folder, 'history'), [...lines, '# EOF', ''].join('\n'))
  await writeFile(join(folder, 'prometheus.yml'), 'global: {}\n')
  const storage = join(folder, 'storage')
  const made = spawnSync(
    'promtool',
    ['tsdb', 'create-blocks-from', 'openmetrics', '-q', join(folder, 'history'), storage],
    { encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(made.stderr)
  return runPrometheus(t, folder, ['--storage.tsdb.retention.time=100d', ...flags])
}

/** A real Prometheus with the configuration that lies in a folder, stopped after the test. */
export async function runPrometheus(t: Test, folder: string, flags: readonly string[] = []): Promise<string> {
  const port = await freePort()
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'storage')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...flags,
    ],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const url = `http://127.0.0.1:${port}`
  await eventually(async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok, {
    what: 'an answer of Prometheus',
  })
  return url
}

/** What was asked of Prometheus. */
export interface Asked {
  readonly path: string
  readonly query: string
  /** Seconds since 1970; NaN for an instant query. */
  readonly start: number
  readonly end: number
  readonly authorization: string | undefined
}

/** A proxy in front of Prometheus: it writes down what it is asked, and can be down. */
export interface RecordingProxy {
  readonly url: string
  readonly asked: Asked[]
  isDown: boolean
}

export async function recordingProxy(t: Test, target: string): Promise<RecordingProxy> {
  const server = createServer((request, response) => {
    if (proxy.isDown) return void request.socket.destroy()
    const url = new URL(request.url!, target)
    const given = (name: string) => url.searchParams.get(name)
    proxy.asked.push({
      path: url.pathname,
      query: given('query')!,
      start: Number(given('start') ?? NaN),
      end: Number(given('end') ?? NaN),
      authorization: request.headers.authorization,
    })
    fetch(url)
      .then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': 'application/json' })
        response.end(await answer.text())
      })
      .catch(() => request.socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const proxy: RecordingProxy = { url: `http://127.0.0.1:${port}`, asked: [], isDown: false }
  return proxy
}
