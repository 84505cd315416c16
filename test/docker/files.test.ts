import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../plugins/config.js'

interface Healthcheck {
  test: string[]
}
interface ComposeService {
  profiles: string[]
  image: string
  environment: Record<string, string>
  healthcheck: Healthcheck
  read_only: boolean
  volumes: string[]
  ports?: string[]
  networks: Record<string, { aliases: string[] }>
  depends_on?: Record<string, { condition: string }>
}
interface Compose {
  services: Record<string, ComposeService>
  volumes: Record<string, unknown>
}
interface Probe {
  httpGet: { path: string; port: string }
}
interface KubernetesContainer {
  name: string
  image: string
  env: { name: string; value?: string }[]
  ports: { name: string; containerPort: number }[]
  startupProbe?: Probe
  livenessProbe: Probe
  readinessProbe: Probe
  resources: { requests: object; limits: object }
  securityContext: { readOnlyRootFilesystem: boolean; allowPrivilegeEscalation: boolean }
  volumeMounts: { name: string }[]
}
interface Manifest {
  kind: string
  metadata: { name: string; labels: Record<string, string> }
  data?: Record<string, string>
  spec: {
    replicas?: number
    selector: Record<string, string> & { matchLabels?: Record<string, string> }
    ports?: { port: number; targetPort: string }[]
    template: {
      metadata: { labels: Record<string, string> }
      spec: { containers: KubernetesContainer[]; volumes: { name: string }[]; securityContext: object }
    }
    volumeClaimTemplates?: { metadata: { name: string } }[]
  }
}

const read = (file: string) => readFile(file, 'utf8')
const dockerfile = await read('Dockerfile')
const compose = parse(await read('docker/docker-compose.yml')) as Compose
const manifests = parseAllDocuments(await read('docs/kubernetes.yaml')).map((document) => {
  if (document.errors.length > 0) throw document.errors[0]!
  return document.toJS() as Manifest
})
const { paths } = parse(await read('openapi.yaml')) as { paths: Record<string, object> }
const { version } = JSON.parse(await read('package.json')) as { version: string }
const one = (kind: string, name: string) =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name)!
const replicas = one('StatefulSet', 'aegis-ml')
const router = one('Deployment', 'aegis-ml-router')

/** The variables that the configuration asks for. */
const known = new Set<string>()
const environment: Record<string, string | undefined> = { POSTGRES_HOST: 'db' }
loadConfig(
  new Proxy(environment, {
    get(target, name: string) {
      known.add(name)
      return target[name]
    },
  }),
)

t.test('every variable of the service is one that it knows', async (t) => {
  const inDockerfile = [...dockerfile.matchAll(/^(?:ENV| {3}) ([A-Z_]+)=/gm)].map(([, name]) => name!)
  const mentioned = {
    Dockerfile: inDockerfile.filter((name) => name !== 'NODE_ENV'),
    compose: Object.keys(compose.services['ml']!.environment),
    Kubernetes: replicas.spec.template.spec.containers[0]!.env.map(({ name }) => name),
  }
  for (const [place, names] of Object.entries(mentioned)) {
    t.ok(names.length >= 4, place)
    for (const name of names) t.ok(known.has(name), `${place}: ${name}`)
  }
})

t.test('the image has the same name everywhere, with the version of the package', async (t) => {
  const image = `aegis-ml:${version}`
  t.equal(compose.services['ml']!.image, image)
  t.equal(replicas.spec.template.spec.containers[0]!.image, image)
  t.match(dockerfile, `org.opencontainers.image.version="${version}"`)
  for (const file of ['Dockerfile', 'docs/deployment.md', 'docs/kubernetes.yaml']) {
    const tags = [...(await read(file)).matchAll(/\baegis-ml:(\d[\w.-]*\w)/g)].map(([, tag]) => tag)
    t.same(new Set(tags), new Set([version]), file)
  }
})

t.test('the name and the folders of the old service lead to this one', async (t) => {
  t.same(compose.services['ml']!.networks, { default: { aliases: ['ml-service'] } })
  t.match(dockerfile, 'RUN ln -s /data /app/data && ln -s /data/models /app/models')
  t.match(dockerfile, /ML_SERVICE_PORT=5000/)
  t.ok('/health' in paths)
})

t.test('compose: the service waits for PostgreSQL, and what is kept is in named volumes', async (t) => {
  const { postgres, ml } = compose.services as Record<'postgres' | 'ml', ComposeService>
  t.same(Object.keys(compose.services).sort(), ['ml', 'postgres'])
  for (const service of [postgres, ml]) {
    t.match(service, { profiles: ['ml'], read_only: true, healthcheck: { test: Array } })
    for (const volume of service.volumes) t.ok(volume.split(':')[0]! in compose.volumes, volume)
  }
  t.same(ml.depends_on, { postgres: { condition: 'service_healthy' } })
  t.equal(ml.environment['POSTGRES_HOST'], 'postgres')
  for (const name of ['POSTGRES_DB', 'POSTGRES_USER', 'POSTGRES_PASSWORD']) {
    t.equal(ml.environment[name], postgres.environment[name], name)
  }
  const defaults = loadConfig({ POSTGRES_HOST: 'postgres' }).database
  const { POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD } = ml.environment
  t.match(defaults, {
    database: /:-(.*)\}/.exec(POSTGRES_DB!)![1],
    user: /:-(.*)\}/.exec(POSTGRES_USER!)![1],
    password: /:-(.*)\}/.exec(POSTGRES_PASSWORD!)![1],
  })
  t.ok(ml.ports!.every((port) => port.endsWith(`:${exposed()}`)))
  t.ok(ml.healthcheck.test.at(-1)! in paths)
})

t.test('Kubernetes: three replicas, whose probes, ports and volumes are there', async (t) => {
  t.equal(replicas.spec.replicas, 3)
  for (const workload of [replicas, router]) {
    const { template, selector, volumeClaimTemplates = [] } = workload.spec
    const { containers, volumes, securityContext } = template.spec
    t.match(template.metadata.labels, selector.matchLabels!)
    t.match(securityContext, { runAsNonRoot: true, runAsUser: Number })
    const [container] = containers as [KubernetesContainer]
    t.match(container, {
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
      resources: { requests: { cpu: String, memory: String }, limits: { memory: String } },
    })
    t.equal(container.ports[0]!.containerPort, exposed())
    const there = [
      ...volumes.map(({ name }) => name),
      ...volumeClaimTemplates.map((each) => each.metadata.name),
    ]
    for (const { name } of container.volumeMounts) t.ok(there.includes(name), name)
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
      if (probe === undefined) continue
      t.equal(probe.httpGet.port, container.ports[0]!.name)
      const ownPath = workload === router && /monitor-uri (\S+)/.exec(routing())![1] === probe.httpGet.path
      t.ok(ownPath || probe.httpGet.path in paths, probe.httpGet.path)
    }
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')
    const same = budgets.filter(({ spec }) => isSame(spec.selector.matchLabels, selector.matchLabels))
    t.equal(same.length, 1, 'one budget for its pods')
  }
  for (const [service, workload] of [
    ['aegis-ml', router],
    ['aegis-ml-replicas', replicas],
  ] as const) {
    t.ok(isSame(one('Service', service).spec.selector, workload.spec.selector.matchLabels), service)
  }
})

t.test('Kubernetes: the router knows every replica and hashes on the source', async (t) => {
  const servers = [...routing().matchAll(/^ *server (\S+) "(\S+?)\.(\S+?)\.\S+:(\d+)"/gm)]
  t.same(
    servers.map(([, ...parts]) => parts),
    [0, 1, 2].map((n) => [`aegis-ml-${n}`, `aegis-ml-${n}`, 'aegis-ml-replicas', '5000']),
  )
  t.match(routing(), /^ *balance hdr\(X-AEGIS-Source\)\n *hash-type consistent/m)
  const mentioned = [...routing().matchAll(/(?:path|GET) (\/\S+)(?: (\/\S+))?/g)].flatMap(
    ([, ...each]) => each,
  )
  for (const path of mentioned.filter((each) => each !== undefined)) t.ok(path in paths, path)
})

function exposed(): number {
  return Number(/^EXPOSE (\d+)$/m.exec(dockerfile)![1])
}

function routing(): string {
  return one('ConfigMap', 'aegis-ml-router').data!['haproxy.cfg']!
}

function isSame(one: object | undefined, other: object | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
