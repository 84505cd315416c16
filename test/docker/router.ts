import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { freePort } from '../e2e/process.js'
import { eventually } from '../eventually.js'
import { FOLDER } from './manifests.js'

/** The folders of the certificates that the manifests mount. */
export interface Certificates {
  replicas: string
  router: string
}

export interface Answer {
  status: number
  text: string
}

export interface Router {
  /** A GET or, with a body, a POST. */
  ask(path: string, body?: string, headers?: Record<string, string>): Promise<Answer>
}

/** An issuer and what it issues, by the commands of docs/deployment.md. */
export async function makeCertificates(t: Test): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-certificates-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const issue = async (name: string, issuer: string | undefined) => {
    const cwd = join(folder, name)
    await mkdir(cwd)
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'tls.key']
    const about = ['-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE']
    const by =
      issuer === undefined ? [] : [...leaf, '-CA', `../${issuer}/tls.crt`, '-CAkey', `../${issuer}/tls.key`]
    execFileSync('openssl', ['req', '-x509', ...key, ...about, ...by, '-out', 'tls.crt'], {
      cwd,
      stdio: 'ignore',
    })
    return cwd
  }
  await issue('issuer', undefined)
  const [replicas, router] = [await issue('aegis-ml-replicas', 'issuer'), await issue('aegis-ml', 'issuer')]
  await writeFile(join(router, 'ca.crt'), await readFile(join(folder, 'issuer', 'tls.crt')))
  await writeFile(join(router, 'tls.crt.key'), await readFile(join(router, 'tls.key')))
  return { replicas, router }
}

/** HAProxy with the configuration of the manifests, in which only the addresses and the folder are other ones. */
export async function startRouter(t: Test, certificates: Certificates, ports: number[]): Promise<Router> {
  const written = await readFile(join(FOLDER, 'haproxy.cfg'), 'utf8')
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-router-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const original = join(folder, 'original.cfg')
  const here = written.replaceAll('/run/tls/', `${certificates.router}/`)
  await writeFile(original, here)
  const env = { ...process.env, POD_NAMESPACE: 'aegis' }
  const checked = spawnSync('haproxy', ['-c', '-f', original], { env, encoding: 'utf8' })
  t.equal(checked.status, 0, `HAProxy accepts it: ${checked.stderr}`)

  const port = await freePort()
  const local = here
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
  const ca = await readFile(join(certificates.router, 'ca.crt'))
  const agent = new Agent({ keepAlive: true, ca, servername: 'aegis-ml' })
  t.teardown(() => agent.destroy())
  const ask: Router['ask'] = async (path, body, headers = {}) => {
    const method = body === undefined ? 'GET' : 'POST'
    // As a gateway calls it from another namespace.
    const all = { host: 'aegis-ml.aegis:5000', ...headers }
    const sent = request({ agent, host: '127.0.0.1', port, path, method, headers: all })
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: response.statusCode!, text: await text(response) }
  }
  await eventually(async () => (await ask('/router/live').catch(() => undefined))?.status === 200, {
    what: 'an answer of HAProxy',
  })
  return { ask }
}
