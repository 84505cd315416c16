import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { parse } from 'yaml'
import { loadConfig } from '../../plugins/config.js'
import { renderManifests } from './manifests.js'

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
const read = (file: string) => readFile(file, 'utf8')
const dockerfile = await read('Dockerfile')
const compose = parse(await read('docker/docker-compose.yml')) as Compose
const { paths } = parse(await read('openapi.yaml')) as { paths: Record<string, object> }
const { version } = JSON.parse(await read('package.json')) as { version: string }
const replicas = (await renderManifests()).find(({ kind }) => kind === 'StatefulSet')!

/** The variables that the configuration asks for. */
const known = new Set<string>()
const environment: Record<string, string | undefined> = { POSTGRES_HOST: 'db', POSTGRES_SSL: 'require' }
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
    Kubernetes: replicas.spec.template.spec.containers[0]!.env.map(({ name }) => name).filter(
      (name) => name !== 'POD_NAMESPACE',
    ),
  }
  for (const [place, names] of Object.entries(mentioned)) {
    t.ok(names.length >= 4, place)
    for (const name of names) t.ok(known.has(name), `${place}: ${name}`)
  }
})

t.test('the image gets each file that is compiled for the service, and what traces need', async (t) => {
  const sent = (await read('.dockerignore')).match(/(?<=^!)[^/\n]+$/gm)!
  const atRoot = (await readdir('.')).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  t.ok(atRoot.includes('server.ts'))
  t.same(
    atRoot.filter((name) => !sent.includes(name)),
    [],
  )
  // Of the optional packages, only the large one is removed.
  t.same(dockerfile.match(/optionalDependencies\S*/g), ["optionalDependencies[@tensorflow/tfjs-node]'"])
})

t.test('the image has the same name everywhere, with the version of the package', async (t) => {
  const image = `aegis-ml:${version}`
  t.equal(compose.services['ml']!.image, image)
  t.equal(replicas.spec.template.spec.containers[0]!.image, image)
  t.match(dockerfile, `org.opencontainers.image.version="${version}"`)
  for (const file of ['Dockerfile', 'docs/deployment.md']) {
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
  t.match(POSTGRES_PASSWORD, /^\$\{POSTGRES_PASSWORD:\?/, 'no password that everybody knows')
  t.match(defaults, {
    database: /:-(.*)\}/.exec(POSTGRES_DB!)![1],
    user: /:-(.*)\}/.exec(POSTGRES_USER!)![1],
  })
  t.ok(ml.ports!.every((port) => port.startsWith('127.0.0.1:') && port.endsWith(`:${exposed()}`)))
  t.equal(ml.environment['ALLOW_ANONYMOUS'], '${ALLOW_ANONYMOUS:-true}')
  const hosts = loadConfig({
    PUBLIC_HOSTS: ml.environment['PUBLIC_HOSTS']!.replace(/\$\{.*\}/, ''),
  }).publicHosts
  t.same(hosts, ['ml', ...ml.networks['default']!.aliases], 'gateways call it by these names')
  t.ok(ml.healthcheck.test.at(-1)! in paths)
})

function exposed(): number {
  return Number(/^EXPOSE (\d+)$/m.exec(dockerfile)![1])
}
