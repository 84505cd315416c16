import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { startEmbeddedPostgres } from '../../db/embedded/embedded-postgres.js'
import { readPostmasterFile } from '../../db/embedded/orphan.js'
import { dataDirectoryOf } from '../../db/embedded/places.js'
import { createRandom, type Random } from '../../models/statistics/random.js'
import { decodeArtifact } from '../../plugins/model-registry/artifact.js'
import { ModelFiles } from '../../plugins/model-registry/files.js'
import { KINDS } from '../../plugins/model-registry/kinds.js'
import { openSql, silentLog, testDirectory } from '../postgres.js'
import { drive, type Journal } from './driver.js'
import { eventually } from './eventually.js'
import { get, post } from './process.js'
import { startReplica, versionInUse, type Replica } from './replica.js'

const ROUNDS = Number(process.env['TEST_KILLS'] ?? 6)
const SEED = Number(process.env['TEST_SEED'] ?? 1)
const VICTIMS = ['first replica', 'PostgreSQL', 'second replica'] as const
const KEPT_VERSIONS = 20

interface Scene {
  readonly sql: Sql
  readonly replicas: readonly [Replica, Replica]
  killServer(): Promise<void>
}

/** Two replicas on a database server that can be killed, which is then started again. */
async function setUp(t: Test): Promise<Scene> {
  const directory = await testDirectory(t)
  const server = await startEmbeddedPostgres({ dataPath: directory, log: silentLog })
  t.teardown(() => server.stop())
  const sql = openSql(server.connection)
  t.teardown(() => sql.end({ timeout: 1 }))
  const start = () => startReplica(t, server.connection)
  const replicas = await Promise.all([start(), start()])
  for (const { service } of replicas) await post(`${service.url}/generate/synthetic`, { duration_hours: 2 })
  const data = await dataDirectoryOf(join(directory, 'postgres'))
  const killServer = async () => void process.kill((await readPostmasterFile(data))!.pid, 'SIGKILL')
  return { sql, replicas, killServer }
}

async function kill(scene: Scene, victim: (typeof VICTIMS)[number]): Promise<void> {
  if (victim === 'PostgreSQL') return scene.killServer()
  const replica = scene.replicas[victim === 'first replica' ? 0 : 1]
  await replica.service.end('SIGKILL')
  await replica.start()
}

t.test('kill -9 at random moments: what was acknowledged is there, the rest leaves no trace', async (t) => {
  const scene = await setUp(t)
  const random = createRandom(SEED)
  const journal: Journal = { acknowledged: [], pending: [], active: null, requests: 0, refused: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const victim = VICTIMS[round % VICTIMS.length]!
    const stop = new AbortController()
    const driving = drive(scene.replicas, journal, random, stop.signal)
    await delay(200 + random.uniform() * 1500)
    await kill(scene, victim)
    await delay(random.uniform() * 300)
    stop.abort()
    await driving
    const since = performance.now()
    await recovered(scene)
    t.comment(`round ${round}: ${victim} killed, all well after ${Math.round(performance.now() - since)} ms`)
    await checkVersions(t, scene, journal)
    await checkTraces(t, scene)
    await trainsAtOnce(t, scene, journal, random)
  }
  const { acknowledged, requests, refused } = journal
  t.comment(
    `${acknowledged.length} versions acknowledged; ${requests} requests, ${refused} refused or broken`,
  )
})

/** Both replicas go on by themselves, and agree on what the database says. */
async function recovered({ replicas }: Scene): Promise<void> {
  for (const { service } of replicas) {
    await eventually(async () => {
      if (service.child.exitCode !== null) throw new Error(`A service has ended: ${service.output()}`)
      const { body } = await get(`${service.url}/health`)
      return body.data['status'] === 'healthy'
    })
  }
}

async function checkVersions(t: Test, { sql, replicas }: Scene, journal: Journal): Promise<void> {
  const [told] = replicas
  const { data } = (await get(`${told.service.url}/model/versions`)).body
  const stored = data['anomaly_detector'] as unknown as { version: string; active: boolean }[]
  const versions = stored.map(({ version }) => version)
  const oldest = versions.length < KEPT_VERSIONS ? '' : versions[KEPT_VERSIONS - 1]!
  const missing = journal.acknowledged.filter((version) => version > oldest && !versions.includes(version))
  t.same(missing, [], 'every version that was acknowledged is there')

  const active = stored.find((version) => version.active)?.version ?? null
  const newer = versions.filter((version) => version > (journal.acknowledged.at(-1) ?? ''))
  const allowed = [journal.active, ...journal.pending, ...(journal.pending.includes('new') ? newer : [])]
  t.ok(
    allowed.includes(active),
    `${active} is active: the last that was acknowledged, or what was asked since`,
  )
  journal.active = active
  journal.pending = []
  await eventually(async () => (await Promise.all(replicas.map(versionInUse))).every((v) => v === active))

  const entered = await sql<{ version: string }[]>`select version from ml_models where is_active`
  t.same(
    entered.map(({ version }) => version),
    active === null ? [] : [active],
    'ml_models says the same',
  )
}

/** Nothing on a disk that the database does not know; all that is there is whole; no lock and no run is left. */
async function checkTraces(t: Test, { sql, replicas }: Scene): Promise<void> {
  const rows = await sql<{ version: string }[]>`select version from aegis_ml_models order by version desc`
  const known = rows.map(({ version }) => version)
  const oldest = known[KEPT_VERSIONS - 1] ?? ''
  for (const { modelPath } of replicas) {
    const files = new ModelFiles(modelPath, KINDS.anomaly)
    const versions = await files.versions()
    const unknown = versions.filter((version) => version > oldest && !known.includes(version))
    t.same(unknown, [], 'no file that the database does not know')
    for (const version of versions) {
      const text = await files.read(version)
      if (text !== undefined) decodeArtifact(text, KINDS.anomaly) // an old one may have been removed meanwhile
    }
    const others = (await readdir(modelPath)).filter((name) => !/\.json(\.[0-9a-f]{12}\.tmp)?$/.test(name))
    t.same(others, [], 'nothing else lies there')
    JSON.parse(await readFile(join(modelPath, 'active.json'), 'utf8'))
  }
  await eventually(
    async () => (await sql`select from pg_locks where locktype = 'advisory' and objid > 1`).length === 0,
  )
  t.pass('no lock is left')
}

/** A run of a service that was killed does not keep the next one waiting. */
async function trainsAtOnce(t: Test, scene: Scene, journal: Journal, random: Random): Promise<void> {
  const { service } = scene.replicas[random.integer(2)]!
  const { status, body } = await post(`${service.url}/train/synthetic`)
  t.match({ status, body }, { status: 200, body: { data: { trained: true } } })
  const version = body.data?.['version'] as string
  journal.acknowledged.push(version)
  journal.active = version
  t.same(await scene.sql`select from aegis_ml_training_jobs where state = 'running'`, [], 'no run is left')
}
