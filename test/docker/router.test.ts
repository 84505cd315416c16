import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { request as plainRequest } from 'node:http'
import { createServer, type Server } from 'node:https'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { testService, USUAL } from '../service.js'
import { renderManifests } from './manifests.js'
import { makeCertificates, startRouter, type Certificates } from './router.js'

const skip = missingProgram('haproxy') || missingProgram('openssl')
const SOURCES = Array.from({ length: 60 }, (_, n) => `gateway ${n}/ü"%&`)
const KEY = 'aegis_of-a-gateway'

interface Routed {
  replica: number
  source: string | undefined
  from: string | undefined
}

interface Replica {
  server: Server
  isStopping: boolean
}

t.test('the router of the manifests', { skip }, async (t) => {
  const certificates = await makeCertificates(t)
  const replicas = await startReplicas(t, certificates)
  const router = await startRouter(
    t,
    certificates,
    replicas.map(({ server }) => portOf(server)),
  )
  const ask = async (path: string, body?: string, headers = {}) =>
    JSON.parse((await router.ask(path, body, headers)).text) as Routed
  const detect = (body: string) => ask('/detect', body)
  const report = (source?: string) => detect(JSON.stringify({ requests_per_second: 5, source }))
  const homes = new Map<string, number>()
  await eventually(async () => (await router.ask('/health/live')).status === 200, {
    what: 'a replica that is up',
  })

  await t.test('brings all reports of a source, and its trend, to the same replica', async (t) => {
    for (const source of SOURCES) {
      const first = await report(source)
      homes.set(source, first.replica)
      t.equal((await report(source)).replica, first.replica, source)
      t.equal(
        (await ask(`/detect/trend?source=${encodeURIComponent(source)}`)).replica,
        first.replica,
        source,
      )
    }
    t.equal(new Set(homes.values()).size, 3, 'and none is idle')
  })

  await t.test('takes a missing source as the service does, and no other word for it', async (t) => {
    const { replica } = await report('default')
    for (const { replica: other } of [
      await report(),
      await ask('/detect/trend'),
      await detect('{"source": ""}'),
    ])
      t.equal(other, replica)
    t.equal((await ask('/detect/batch', '', { 'X-AEGIS-Source': 'spoofed' })).source, undefined)
  })

  await t.test('says who calls, whatever the caller says', async (t) => {
    t.equal((await ask('/version', undefined, { 'X-Forwarded-For': '192.0.2.7' })).from, '127.0.0.1')
  })

  await t.test('shares out everything else, also when it is large', async (t) => {
    const seen = new Set<number>()
    for (let n = 0; n < 6; n++) seen.add((await ask('/detect/batch', 'x'.repeat(300_000))).replica)
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

t.test('the service behind its router, as the manifests configure both', { skip }, async (t) => {
  const certificates = await makeCertificates(t)
  const [certFile, keyFile] = ['tls.crt', 'tls.key'].map((name) => join(certificates.replicas, name))
  const hash = createHash('sha256').update(KEY).digest('hex')
  const { app } = await testService(t, {
    ...{ ML_SERVICE_TLS_CERT_FILE: certFile!, ML_SERVICE_TLS_KEY_FILE: keyFile! },
    ...{ ML_SERVICE_HOST: '0.0.0.0', API_KEYS: `gateway:${hash}:detect`, PUBLIC_HOSTS: await publicHosts() },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = portOf(app.server)
  const router = await startRouter(t, certificates, [port, port, port])
  const detect = (headers: object) =>
    router.ask('/detect', JSON.stringify(USUAL), { 'content-type': 'application/json', ...headers })

  await t.test('the check of the router finds it alive', async () => {
    await eventually(async () => (await router.ask('/health/live')).status === 200, {
      what: 'a replica that is up',
    })
  })

  await t.test('a gateway is answered under each name of the router, with its key', async (t) => {
    const authorization = `Bearer ${KEY}`
    for (const host of ['aegis-ml:5000', 'aegis-ml.aegis:5000', 'aegis-ml.aegis.svc.cluster.local:5000'])
      t.equal((await detect({ authorization, host })).status, 409, 'there is no model yet')
    t.equal((await detect({ authorization, host: 'aegis-ml.evil.example' })).status, 403)
    t.equal((await detect({})).status, 401)
    t.equal((await router.ask('/model/info', undefined, { authorization })).status, 403)
  })

  await t.test('without TLS nobody is answered', async (t) => {
    const plain = plainRequest({ host: '127.0.0.1', port, path: '/health/live' })
    plain.end()
    await t.rejects(once(plain, 'response'))
  })

  await t.test('a renewed certificate is taken without a restart', async (t) => {
    const before = await shownBy(port)
    const other = await makeCertificates(t)
    for (const [name, file] of [
      ['tls.key', keyFile!],
      ['tls.crt', certFile!],
    ] as const)
      await writeFile(file, await readFile(join(other.replicas, name)))
    await eventually(async () => (await shownBy(port)) !== before, { what: 'the renewed certificate' })
    // It is of an issuer that the router does not trust.
    await eventually(async () => (await detect({})).status === 503, { what: 'the refusal of the router' })
  })
})

/** Three that answer who they are, and what source the router told them. */
async function startReplicas(t: Test, certificates: Certificates): Promise<Replica[]> {
  const [cert, key] = await Promise.all(
    ['tls.crt', 'tls.key'].map((name) => readFile(join(certificates.replicas, name))),
  )
  return Promise.all(
    [0, 1, 2].map(async (number) => {
      const replica: Replica = { isStopping: false, server: createServer({ cert, key }) }
      replica.server.on('request', (request, response) => {
        void text(request).then(() => {
          if (replica.isStopping && request.url === '/detect') response.statusCode = 503
          const { 'x-aegis-source': source, 'x-forwarded-for': from } = request.headers
          response.end(JSON.stringify({ replica: number, source, from }))
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

async function publicHosts(): Promise<string> {
  const replicas = (await renderManifests()).find(({ kind }) => kind === 'StatefulSet')!
  const { env } = replicas.spec.template.spec.containers[0]!
  return env.find(({ name }) => name === 'PUBLIC_HOSTS')!.value!.replaceAll('$(POD_NAMESPACE)', 'aegis')
}

/** The certificate that is shown to a new connection. */
async function shownBy(port: number): Promise<string> {
  const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port
}
