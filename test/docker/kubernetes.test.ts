import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../../plugins/config.js'
import {
  FOLDER,
  readKustomization,
  readManifests,
  renderManifests,
  type Container,
  type Labels,
  type Peer,
  type Volume,
} from './manifests.js'

const { namespace, resources, configMapGenerator, images } = await readKustomization()
const manifests = await renderManifests()
const certificates = await readManifests('certificates.yaml')
const { paths } = parse(await readFile('openapi.yaml', 'utf8')) as { paths: Record<string, object> }
const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }

const one = (kind: string, name: string) =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name)!
const replicas = one('StatefulSet', 'aegis-ml')
const router = one('Deployment', 'aegis-ml-router')
const routing = one('ConfigMap', 'aegis-ml-router').data!['haproxy.cfg']!
const containerOf = ({ spec }: typeof replicas) => spec.template.spec.containers[0]!
const volumesOf = ({ spec }: typeof replicas) => spec.template.spec.volumes
const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

t.test('kustomize finds each file of the folder, and sets each image', async (t) => {
  const listed = [...resources, ...configMapGenerator.flatMap(({ files }) => files)]
  const apart = ['kustomization.yaml', 'certificates.yaml'] // the second needs cert-manager
  t.same((await readdir(FOLDER)).sort(), [...listed, ...apart].sort())
  t.same(one('Namespace', namespace).metadata.name, namespace)
  t.same(
    [replicas, router].map((each) => containerOf(each).image),
    [`aegis-ml:${version}`, 'haproxy:3.2'],
  )
  t.equal(images.length, 2)
})

t.test('three replicas and their router, whose probes, ports and volumes are there', async (t) => {
  t.equal(replicas.spec.replicas, 3)
  for (const workload of [replicas, router]) {
    const { template, selector, volumeClaimTemplates = [] } = workload.spec
    t.match(template.metadata.labels, selector.matchLabels!)
    t.match(template.spec.securityContext, {
      ...{ runAsNonRoot: true, runAsUser: Number, seccompProfile: { type: 'RuntimeDefault' } },
    })
    const container = containerOf(workload)
    t.match(container, {
      securityContext: {
        ...{ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
      resources: { requests: { cpu: String, memory: String }, limits: { memory: String } },
    })
    t.equal(container.ports[0]!.containerPort, 5000)
    const there = [...volumesOf(workload), ...volumeClaimTemplates.map(({ metadata }) => metadata)]
    for (const { name } of container.volumeMounts)
      t.ok(
        there.some((each) => each.name === name),
        name,
      )
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      if (probe === undefined) continue
      t.match(probe.httpGet, { port: container.ports[0]!.name, scheme: 'HTTPS' })
      const ownPath = workload === router && /monitor-uri (\S+)/.exec(routing)![1] === probe.httpGet.path
      t.ok(ownPath || probe.httpGet.path in paths, probe.httpGet.path)
    }
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')
    const same = budgets.filter(({ spec }) => isSame(spec.selector.matchLabels, selector.matchLabels))
    t.equal(same.length, 1, 'one budget for its pods')
  }
  for (const [name, workload] of [
    ['aegis-ml', router],
    ['aegis-ml-replicas', replicas],
  ] as const) {
    const { selector, ports } = one('Service', name).spec
    t.ok(isSame(selector, workload.spec.selector.matchLabels), name)
    t.equal(ports![0]!.targetPort, containerOf(workload).ports[0]!.name)
  }
})

t.test('the router knows every replica and hashes on the source', async (t) => {
  const servers = [...routing.matchAll(/^ *server (\S+) "(\S+?)\.(\S+?)\.\S+:(\d+)"/gm)]
  t.same(
    servers.map(([, ...parts]) => parts),
    [0, 1, 2].map((n) => [`aegis-ml-${n}`, `aegis-ml-${n}`, 'aegis-ml-replicas', '5000']),
  )
  t.match(routing, /^ *balance hdr\(X-AEGIS-Source\)\n *hash-type consistent/m)
  const mentioned = [...routing.matchAll(/(?:path|GET) (\/\S+)(?: (\/\S+))?/g)].flatMap(([, ...each]) => each)
  for (const path of mentioned.filter((each) => each !== undefined)) t.ok(path in paths, path)
})

t.test('every secret comes from outside, as a file that no other user of the node reads', async (t) => {
  t.notOk(manifests.some(({ kind }) => kind === 'Secret'))
  const { env } = containerOf(replicas)
  for (const name of ['POSTGRES_PASSWORD', 'POSTGRES_URL', 'API_KEYS', 'ALLOW_ANONYMOUS', 'WEBHOOK_SECRET'])
    t.notOk(
      env.some((each) => each.name === name),
      name,
    )
  for (const workload of [replicas, router])
    for (const { name, secret } of volumesOf(workload)) if (secret) t.equal(secret.defaultMode, 0o440, name)
})

t.test('TLS: from the gateway to the router, from there to a replica, and to PostgreSQL', async (t) => {
  const env = Object.fromEntries(containerOf(replicas).env.map(({ name, value }) => [name, value]))
  t.match(env, { POSTGRES_SSL: 'verify-full' })
  t.match(
    filesOf(
      replicas,
      ['ML_SERVICE_TLS_CERT_FILE', 'ML_SERVICE_TLS_KEY_FILE'].map((name) => env[name]!),
    ),
    [
      { secret: 'aegis-ml-replicas-tls', key: 'tls.crt' },
      { secret: 'aegis-ml-replicas-tls', key: 'tls.key' },
    ],
  )
  const [, certificate] = /^ *bind :5000 ssl crt (\S+)/m.exec(routing)!
  const [, authority, name] = /^ *default-server ssl verify required ca-file (\S+) verifyhost (\S+)/m.exec(
    routing,
  )!
  t.match(filesOf(router, [certificate!, `${certificate}.key`, authority!]), [
    { secret: 'aegis-ml-router-tls', key: 'tls.crt' },
    { secret: 'aegis-ml-router-tls', key: 'tls.key' },
    { secret: 'aegis-ml-router-tls', key: 'ca.crt' },
  ])
  t.notMatch(routing, /verify none/)
  const issued = certificates.filter(({ spec }) => spec.dnsNames !== undefined)
  const namesOf = (secret: string) => issued.find(({ spec }) => spec.secretName === secret)!.spec.dnsNames!
  t.ok(namesOf('aegis-ml-replicas-tls').includes(name!))
  const hosts = env['PUBLIC_HOSTS']!.replaceAll('$(POD_NAMESPACE)', namespace)
  t.same(namesOf('aegis-ml-router-tls'), hosts.split(','), 'the service knows each name of the router')
  t.same(loadConfig({ PUBLIC_HOSTS: hosts }).publicHosts, hosts.split(','))
})

t.test('the network lets through what the parts need, and nothing else', async (t) => {
  const gateway = { 'aegis-ml/access': 'true' }
  const prometheus = { 'app.kubernetes.io/name': 'prometheus' }
  const [ofReplicas, ofRouter] = [replicas, router].map(({ spec }) => spec.template.metadata.labels)
  const inside = (labels: Labels) => ({ labels, namespace })
  const elsewhere = (labels: Labels) => ({ labels, namespace: 'shop' })
  for (const [from, to, port, isAllowed] of [
    [elsewhere(gateway), inside(ofRouter!), 5000, true],
    [elsewhere({ app: 'any' }), inside(ofRouter!), 5000, false],
    [elsewhere(gateway), inside(ofReplicas!), 5000, false],
    [elsewhere(gateway), inside(ofRouter!), 22, false],
    [inside(ofRouter!), inside(ofReplicas!), 5000, true],
    [inside(ofReplicas!), inside(ofRouter!), 5000, false],
    [inside(ofReplicas!), inside(ofReplicas!), 5000, false],
    [elsewhere(prometheus), inside(ofReplicas!), 5000, true],
    [inside(ofReplicas!), elsewhere(prometheus), 9090, true],
    [inside(ofReplicas!), '10.0.0.7', 5432, true],
    [inside(ofRouter!), '10.0.0.7', 5432, false],
    [inside(ofReplicas!), '203.0.113.7', 443, true],
    [inside(ofReplicas!), '203.0.113.7', 25, false],
    [inside(ofReplicas!), '169.254.169.254', 443, false],
    [inside(ofRouter!), { labels: { 'k8s-app': 'kube-dns' }, namespace: 'kube-system' }, 53, true],
    [inside(ofReplicas!), { labels: { 'k8s-app': 'kube-dns' }, namespace: 'kube-system' }, 53, true],
  ] as const) {
    const allowed = mayReach(from, to, port)
    t.equal(allowed, isAllowed, `${JSON.stringify(from)} → ${JSON.stringify(to)}:${port}`)
  }
})

type Place = { labels: Labels; namespace: string } | string

/** What a network plugin decides, for the parts of policies that are used here. */
function mayReach(from: Place, to: Place, port: number): boolean {
  const passes = (place: Place, other: Place, direction: 'ingress' | 'egress') => {
    if (typeof place === 'string') return true
    const policies = manifests.filter(
      ({ kind, spec }) =>
        kind === 'NetworkPolicy' && place.namespace === namespace && selects(spec.podSelector, place.labels),
    )
    if (policies.length === 0) return true
    const rules = policies.flatMap(({ spec }) => spec[direction] ?? [])
    return rules.some(
      ({ ports, ...peers }) =>
        ports.some((each) => each.port === port || (each.port === 'https' && port === 5000)) &&
        (peers.from ?? peers.to)!.some((peer) => isPeer(peer, other)),
    )
  }
  return passes(from, to, 'egress') && passes(to, from, 'ingress')
}

function isPeer({ ipBlock, podSelector, namespaceSelector }: Peer, place: Place): boolean {
  if (typeof place === 'string')
    return ipBlock?.cidr === '0.0.0.0/0' && !ipBlock.except?.includes(`${place}/32`)
  const inNamespace = namespaceSelector
    ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': place.namespace })
    : place.namespace === namespace
  return ipBlock === undefined && inNamespace && selects(podSelector, place.labels)
}

function selects(selector: Peer['podSelector'], labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {}
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key]!))
  )
}

/** Of which secrets the files of a container come. */
function filesOf(workload: typeof replicas, files: string[]) {
  const { volumeMounts }: Container = containerOf(workload)
  return files.map((file) => {
    const mount = volumeMounts.find(({ mountPath }) => file.startsWith(`${mountPath}/`))!
    const { secret }: Volume = volumesOf(workload).find(({ name }) => name === mount.name)!
    const path = file.slice(mount.mountPath.length + 1)
    const key = secret!.items ? secret!.items.find((item) => item.path === path)?.key : path
    return { secret: secret!.secretName, key }
  })
}
