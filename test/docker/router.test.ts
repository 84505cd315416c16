import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { freePort } from '../e2e/process.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'

const skip = missingProgram('haproxy')
const SOURCES = Array.from({ length: 60 }, (_, n) => `gateway ${n}/ü"%&`)

interface Routed {
  replica: number
  source: string | undefined
}

interface Replica {
  server: Server
  isStopping: boolean
}

t.test('the router of docs/kubernetes.yaml', { skip }, async (t) => {
  const replicas = await startReplicas(t)
  const url = await startRouter(t, replicas)
  const detect = (body: string) => fetch(`${url}/detect`, { method: 'POST', body }).then(answer)
  const report = (source?: string) => detect(JSON.stringify({ requests_per_second: 5, source }))
  const trend = (query: string) => fetch(`${url}/detect/trend${query}`).then(answer)
  const homes = new Map<string, number>()

  await t.test('brings all reports of a source, and its trend, to the same replica', async (t) => {
    for (const source of SOURCES) {
      const first = await report(source)
      homes.set(source, first.replica)
      t.equal((await report(source)).replica, first.replica, source)
      t.equal((await trend(`?source=${encodeURIComponent(source)}`)).replica, first.replica, source)
    }
    t.equal(new Set(homes.values()).size, 3, 'and none is idle')
  })

  await t.test('takes a missing source as the service does, and no other word for it', async (t) => {
    const { replica } = await report('default')
    for (const { replica: other } of [await report(), await trend(''), await detect('{"source": ""}')])
      t.equal(other, replica)
    const headers = { 'X-AEGIS-Source': 'spoofed' }
    t.equal((await fetch(`${url}/detect/batch`, { method: 'POST', headers }).then(answer)).source, undefined)
  })

  await t.test('shares out everything else, also when it is large', async (t) => {
    const body = 'x'.repeat(300_000)
    const seen = new Set<number>()
    for (let n = 0; n < 6; n++)
      seen.add((await fetch(`${url}/detect/batch`, { method: 'POST', body }).then(answer)).replica)
    t.equal(seen.size, 3)
  })

  await t.test('moves only the sources of a replica that stops, and then is gone', async (t) => {
    const movesOnlyThoseOf = async (gone: number, how: string) => {
      for (const [source, home] of homes) {
        const { replica } = await report(source)
        t.ok(home === gone ? replica !== gone : replica === home, `${how}: ${source}`)
      }
    }
    replicas[1]!.isStopping = true
    await movesOnlyThoseOf(1, 'answers 503')
    replicas[1]!.isStopping = false
    replicas[2]!.server.close()
    replicas[2]!.server.closeAllConnections()
    await movesOnlyThoseOf(2, 'is gone')
  })
})

/** Three that answer who they are, and what source the router told them. */
async function startReplicas(t: Test): Promise<Replica[]> {
  return Promise.all(
    [0, 1, 2].map(async (number) => {
      const replica: Replica = { isStopping: false, server: createServer() }
      replica.server.on('request', (request, response) => {
        void text(request).then(() => {
          if (replica.isStopping && request.url === '/detect') response.statusCode = 503
          response.end(JSON.stringify({ replica: number, source: request.headers['x-aegis-source'] }))
        })
      })
      await once(replica.server.listen(0, '127.0.0.1'), 'listening')
      t.teardown(() => {
        replica.server.close()
        replica.server.closeAllConnections()
      })
      return replica
    }),
  )
}

/** HAProxy with the configuration of the manifest, in which only the addresses are other ones. */
async function startRouter(t: Test, replicas: Replica[]): Promise<string> {
  const manifests = parseAllDocuments(await readFile('docs/kubernetes.yaml', 'utf8'))
  const maps = manifests.map((each) => each.toJS() as { data?: Record<string, string> })
  const written = maps.find(({ data }) => data?.['haproxy.cfg'])!.data!['haproxy.cfg']!
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-router-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const original = join(folder, 'original.cfg')
  await writeFile(original, written)
  const env = { ...process.env, POD_NAMESPACE: 'aegis' }
  const checked = spawnSync('haproxy', ['-c', '-f', original], { env, encoding: 'utf8' })
  t.equal(checked.status, 0, `HAProxy accepts it: ${checked.stderr}`)

  const port = await freePort()
  const ports = replicas.map(({ server }) => (server.address() as AddressInfo).port)
  const local = written
    .replace('bind :5000', `bind 127.0.0.1:${port}`)
    .replace(' resolvers cluster resolve-prefer ipv4 init-addr none', '')
    .replace(/"aegis-ml-(\d)\.\S+"/g, (_, number: string) => `127.0.0.1:${ports[Number(number)]}`)
  const file = join(folder, 'haproxy.cfg')
  await writeFile(file, local)
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const url = `http://127.0.0.1:${port}`
  await eventually(async () => (await fetch(`${url}/health/live`).catch(() => undefined))?.ok, {
    what: 'an answer of HAProxy',
  })
  return url
}

async function answer(response: Response): Promise<Routed> {
  return (await response.json()) as Routed
}
