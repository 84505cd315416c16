import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { fitAnomalyModel, type AnomalyModel } from '../../../models/anomaly/model.js'
import { removeAbandoned } from '../../../db/files.js'
import { migrate } from '../../../db/migrate.js'
import { decodeArtifact } from '../../../plugins/model-registry/artifact.js'
import { ModelFiles } from '../../../plugins/model-registry/files.js'
import { KINDS } from '../../../plugins/model-registry/kinds.js'
import { createModelRegistry } from '../../../plugins/model-registry/registry.js'
import { silentLog, testDatabase } from '../../postgres.js'

const row = [50, 45, 90, 135, 0.01]
const model = (minutes: number) =>
  fitAnomalyModel(
    {
      samples: Float64Array.from(Array(minutes).fill(row).flat()),
      timesMs: Float64Array.from({ length: minutes }, (_, index) => index * 60_000),
    },
    {
      contamination: 0.1,
      anomalyThreshold: -0.5,
      nEstimators: 10,
      seed: 1,
    },
  )
const SMALL = model(10)
const LARGE = model(30)
const clock = () => new Date('2026-01-31T12:00:00.000Z')

const RECORD = {
  source: 'request_logs',
  from: '2026-01-24T12:00:00.000Z',
  to: '2026-01-31T12:00:00.000Z',
  exclude: [],
  durationSeconds: 1.5,
  parameters: { contamination: 0.1 },
  metrics: { anomaly_share: 0.01 },
}

/** A folder and a database for a registry. */
async function place(t: Test) {
  const path = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  return { path, sql, connection }
}

/** A registry, with the changes of its detector. `beforeCommit` runs in the transaction of a publication. */
function registryOf({ path, sql }: { path: string; sql: Sql }, now = clock) {
  const options = { sql, folder: path, engine: 'kernel', log: silentLog, now } as const
  const registry = createModelRegistry(options)
  const active = () => registry.active.anomaly
  const publish = (model: AnomalyModel, beforeCommit = async () => {}) =>
    registry.publish(async ({ store, activate }) => {
      const stored = await sql.begin(async (tx) => {
        const stored = await store(tx, { anomaly: { model, training: RECORD }, optimizer: null })
        await beforeCommit()
        return stored
      })
      await activate(stored)
      return active()!
    })
  return {
    ...registry,
    ...{ active, publish },
    problems: () => registry.problems,
    load: () => registry.load('anomaly'),
    activate: (version: string) => registry.activate('anomaly', version),
    versions: async () => (await registry.versions()).anomaly,
    onReset: (listener: () => void) => registry.onReset('anomaly', listener),
  }
}

t.test('a published model is active, and again after a restart', async (t) => {
  const here = await place(t)
  const registry = registryOf(here)
  t.equal(registry.active(), null)
  t.equal(await registry.load(), null)
  const published = await registry.publish(SMALL)
  t.equal(registry.active(), published)
  const again = registryOf(here)
  await again.sync()
  t.equal(again.active()?.version, published.version)
  t.same(again.active()?.model, SMALL)
  t.same(again.active()?.training, RECORD)
})

t.test('versions are in the order of publishing even when the clock stands or goes back', async (t) => {
  const here = await place(t)
  const versions: string[] = []
  for (const time of ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z', '2026-01-30T12:00:00Z']) {
    versions.push((await registryOf(here, () => new Date(time)).publish(SMALL)).version)
  }
  t.same(versions, ['20260131T120000000Z', '20260131T120000001Z', '20260131T120000002Z'])
})

t.test('what is stored is told of: what it was learned from, how, and which is active', async (t) => {
  const registry = registryOf(await place(t))
  const first = await registry.publish(SMALL)
  const second = await registry.publish(LARGE)
  await registry.activate(first.version)
  t.match(await registry.versions(), [
    { version: second.version, active: false, samples: 30, ...RECORD },
    { version: first.version, active: true, samples: 10, ...RECORD, sizeBytes: Number },
  ])
})

t.test('a training is entered into ml_models, whose flags follow what is active', async (t) => {
  const here = await place(t)
  const registry = registryOf(here)
  const first = await registry.publish(SMALL)
  const second = await registry.publish(LARGE)
  await registry.activate(first.version)
  const rows = () => here.sql`select model_name, model_type, version, training_samples, is_active,
    deactivated_at is null as never, feature_names from ml_models order by version`
  t.match(
    [...(await rows())],
    [
      { model_name: 'anomaly_detector', version: first.version, training_samples: 10, is_active: true },
      { model_type: 'isolation_forest', version: second.version, is_active: false, never: false },
    ],
  )
  await registry.reset()
  t.same(
    (await rows()).map((row) => row['is_active'] as boolean),
    [false, false],
  )
})

t.test('a table ml_models of another shape is no reason to fail', async (t) => {
  const here = await place(t)
  await here.sql`alter table ml_models rename column model_name to name`
  const registry = registryOf(here)
  const { version } = await registry.publish(SMALL)
  t.equal(registry.active()?.version, version)
})

t.test('after a reset nothing is active until a load, and what is stored stays', async (t) => {
  const here = await place(t)
  const registry = registryOf(here)
  let told = 0
  registry.onReset(() => told++)
  const { version } = await registry.publish(SMALL)
  await registry.reset()
  t.equal(told, 1)
  t.equal(registry.active(), null)
  t.equal(await new ModelFiles(here.path, KINDS.anomaly).activeVersion(), null)
  const again = registryOf(here)
  await again.sync()
  t.equal(again.active(), null)
  t.equal((await again.load())?.version, version)
})

t.test('a replica takes up what another publishes, activates and resets', async (t) => {
  const here = await place(t)
  const one = registryOf(here)
  const other = registryOf({ ...here, path: (await place(t)).path })
  const first = await one.publish(SMALL)
  await other.sync()
  t.same(other.active()?.model, SMALL)
  const second = await other.publish(LARGE)
  await one.sync()
  t.equal(one.active()?.version, second.version)
  await one.activate(first.version)
  await other.sync()
  t.equal(other.active()?.version, first.version)
  let told = 0
  one.onReset(() => told++)
  await other.reset()
  await one.sync()
  t.equal(one.active(), null)
  t.equal(told, 1, 'and its windows are cleared')
})

t.test('while the database is away the files say what was active', async (t) => {
  const here = await place(t)
  const registry = registryOf(here)
  const first = await registry.publish(SMALL)
  await registry.publish(LARGE)
  await registry.activate(first.version)
  const away = registryOf(here)
  await away.restoreFromFiles()
  t.equal(away.active()?.version, first.version)
  await registry.reset()
  const reset = registryOf(here)
  await reset.restoreFromFiles()
  t.equal(reset.active(), null)
})

t.test('a database that was never told learns what this replica uses', async (t) => {
  const here = await place(t)
  const { version } = await registryOf(here).publish(SMALL)
  const fresh = await place(t)
  const moved = registryOf({ path: here.path, sql: fresh.sql })
  await moved.sync()
  t.equal(moved.active()?.version, version)
  const other = registryOf(fresh)
  await other.sync()
  t.same(other.active()?.model, SMALL)
})

t.test('a reset reaches the files of a replica that was down', async (t) => {
  const here = await place(t)
  await registryOf(here).publish(SMALL)
  await registryOf({ ...here, path: (await place(t)).path }).reset()
  await registryOf(here).sync()
  const withoutDatabase = registryOf(here)
  await withoutDatabase.restoreFromFiles()
  t.equal(withoutDatabase.active(), null)
})

t.test('what is no version reaches no file', async (t) => {
  const here = await place(t)
  const secret = join(here.path, 'secret.json')
  await writeFile(secret, 'secret: hello-world')
  const registry = registryOf(here)
  for (const version of ['/../secret', '../secret', 'a\u0000b', '']) {
    await t.rejects(registry.activate(version), { code: 'MODEL_NOT_FOUND' })
  }
})

t.test('a version that is not there, or is damaged everywhere, is refused in words', async (t) => {
  const here = await place(t)
  const registry = registryOf(here)
  const first = await registry.publish(SMALL)
  const second = await registry.publish(LARGE)
  await t.rejects(registry.activate('20200101T000000000Z'), { code: 'MODEL_NOT_FOUND' })
  await t.rejects(registry.activate('../../etc/passwd'), { code: 'MODEL_NOT_FOUND' })
  await rm(new ModelFiles(here.path, KINDS.anomaly).pathOf(first.version))
  await here.sql`update aegis_ml_models set artifact = replace(artifact, '"nSamples":10', '"nSamples":11')
    where version = ${first.version}`
  await t.rejects(registry.activate(first.version), { code: 'MODEL_UNUSABLE', message: /checksum/ })
  t.equal(registry.active()?.version, second.version)
})

const damages = (text: string): [string, string, RegExp][] => [
  ['cut short', text.slice(0, -100), /cannot be used/],
  ['empty', '', /cannot be used/],
  ['another number', text.replace('"nSamples":30', '"nSamples":31'), /checksum does not match/],
  [
    'another base64 digit',
    text.replace(/"threshold":"(.)/, (_, c: string) => `"threshold":"${c === 'A' ? 'B' : 'A'}`),
    /checksum/,
  ],
  ['from the future', text.replace('"schema_version":2', '"schema_version":3'), /reads version 2, so train/],
  ['not an object', 'null', /cannot be used/],
  ['binary rubbish', '\u0000\ufffd\u0001', /cannot be used/],
]

t.test(
  'without the database a damaged file is reported and left, and the newest whole one serves',
  async (t) => {
    const here = await place(t)
    const first = await registryOf(here).publish(SMALL)
    const second = await registryOf(here).publish(LARGE)
    const file = new ModelFiles(here.path, KINDS.anomaly).pathOf(second.version)
    const text = await readFile(file, 'utf8')
    for (const [name, damaged, problem] of damages(text)) {
      t.not(damaged, text, name)
      await writeFile(file, damaged)
      const registry = registryOf(here)
      await registry.restoreFromFiles()
      t.equal(registry.active()?.version, first.version, name)
      t.match(registry.problems(), [problem], name)
      t.equal(await readFile(file, 'utf8'), damaged, name)
    }
    await writeFile(file, text)
    const mended = registryOf(here)
    await mended.restoreFromFiles()
    t.equal(mended.active()?.version, second.version, 'what stood in was not chosen for good')
  },
)

t.test('a damaged or missing file is mended from the database', async (t) => {
  const here = await place(t)
  const { version } = await registryOf(here).publish(LARGE)
  const file = new ModelFiles(here.path, KINDS.anomaly).pathOf(version)
  const text = await readFile(file, 'utf8')
  for (const [name, damaged] of damages(text)) {
    await writeFile(file, damaged)
    const registry = registryOf(here)
    await registry.sync()
    t.equal(registry.active()?.version, version, name)
    t.equal(await readFile(file, 'utf8'), text, name)
    t.same(registry.problems(), [], 'which is no problem any more')
  }
  await rm(file)
  await registryOf(here).sync()
  t.equal(await readFile(file, 'utf8'), text)
})

t.test('an artifact of the schema before this one loads', async (t) => {
  const here = await place(t)
  const { version } = await registryOf(here).publish(SMALL)
  const file = new ModelFiles(here.path, KINDS.anomaly).pathOf(version)
  const { payload, ...header } = JSON.parse(await readFile(file, 'utf8')) as {
    payload: Record<string, unknown>
  }
  const older = { ...payload }
  delete older['training']
  const sha256 = createHash('sha256').update(JSON.stringify(older)).digest('hex')
  const text = JSON.stringify({ ...header, schema_version: 1, sha256, payload: older })
  t.match(decodeArtifact(text, KINDS.anomaly), { version, training: null })
  await writeFile(file, text)
  const moved = registryOf({ path: here.path, sql: (await place(t)).sql })
  t.equal((await moved.load())?.version, version)
  t.match(await moved.versions(), [{ version, source: null, samples: 10, active: true }])
})

t.test('a disk that cannot be written is told of; the database has the model', async (t) => {
  const here = await place(t)
  const blocked = { ...here, path: join(here.path, 'file') }
  await writeFile(blocked.path, '')
  const registry = registryOf({ ...here, path: join(blocked.path, 'below') })
  await t.rejects(registry.publish(SMALL), { code: 'ENOTDIR' }, 'where not even a listing can be had')
  const readable = registryOf(here)
  await mkdir(join(here.path, 'active.json'))
  const { version } = await readable.publish(SMALL)
  t.equal(readable.active()?.version, version)
  t.match(readable.problems(), [/MODEL_PATH cannot be written/])
})

t.test('other files in the folder, and folders called like files, harm nothing', async (t) => {
  const here = await place(t)
  const { path } = here
  for (const name of [
    'anomaly_detector-20261399T999999999Z.json',
    'anomaly_detector-99991231T235959999Z.json',
    'anomaly_detector-latest.json',
    'notes.txt',
  ]) {
    await writeFile(join(path, name), 'rubbish')
  }
  await mkdir(join(path, 'anomaly_detector-20260101T000000000Z.json.0123456789ab.tmp'))
  const registry = registryOf(here)
  await removeAbandoned(path, Date.now() + 1e9)
  await registry.restoreFromFiles()
  t.equal(registry.active(), null)
  const { version } = await registry.publish(SMALL)
  t.equal(version, '20260131T120000000Z')
  t.same(await new ModelFiles(path, KINDS.anomaly).versions(), [version])
})

t.test('what a killed writer has left is removed after an hour', async (t) => {
  const { path } = await place(t)
  const left = join(path, 'anomaly_detector-20260101T000000000Z.json.0123456789ab.tmp')
  await writeFile(left, 'half')
  await removeAbandoned(path, Date.now())
  t.same(await readdir(path), ['anomaly_detector-20260101T000000000Z.json.0123456789ab.tmp'])
  await removeAbandoned(path, Date.now() + 3_700_000)
  t.same(await readdir(path), [])
})

t.test('the newest twenty are kept, and the active one', async (t) => {
  const here = await place(t)
  const registry = registryOf(here)
  const published: string[] = []
  for (let run = 0; run < 23; run++) published.push((await registry.publish(SMALL)).version)
  const kept = published.slice(3).reverse()
  t.same(await new ModelFiles(here.path, KINDS.anomaly).versions(), kept)
  t.same(
    (await registry.versions()).map(({ version }) => version),
    kept,
  )
})

t.test('what a model answers does not change while another is being published', async (t) => {
  const registry = registryOf(await place(t))
  await registry.publish(SMALL)
  const sizes = new Set<number>()
  const publishing = Promise.all([registry.publish(LARGE), registry.reset(), registry.publish(SMALL)])
  let done = false
  void publishing.then(() => (done = true))
  while (!done) {
    const anomaly = registry.active()
    if (anomaly) {
      anomaly.engine.score(new Float64Array(4))
      sizes.add(anomaly.model.nSamples)
    }
    await delay(0)
  }
  t.ok([...sizes].every((size) => size === 10 || size === 30))
  t.equal(registry.active()?.model.nSamples, 10)
})

t.test('a transaction that fails leaves what was active, and no trace', async (t) => {
  const here = await place(t)
  const registry = registryOf(here)
  const { version } = await registry.publish(SMALL)
  const failing = registry.publish(LARGE, async () => {
    throw new Error('stopped')
  })
  await t.rejects(failing, { message: 'stopped' })
  t.equal(registry.active()?.version, version)
  t.same(await new ModelFiles(here.path, KINDS.anomaly).versions(), [version])
  t.match(await registry.versions(), [{ version, active: true }])
  t.equal((await here.sql`select from ml_models`).length, 1)
})

t.test('kill -9 while models are published leaves every acknowledged version, whole', async (t) => {
  const here = await place(t)
  const publisher = fileURLToPath(new URL('./publish-models.js', import.meta.url))
  for (let round = 0; round < 5; round++) {
    const args = [publisher, here.path, JSON.stringify(here.connection)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let published = ''
    child.stdout.on('data', (chunk: Buffer) => (published += chunk.toString()))
    await once(child.stdout, 'data')
    await delay(20 + 37 * round)
    child.kill('SIGKILL')
    await once(child, 'close')
    const acknowledged = published.trim().split('\n')
    const registry = registryOf(here)
    await registry.sync()
    const active = registry.active()!.version
    t.ok(active >= acknowledged.at(-1)!, `${active} is at least ${acknowledged.at(-1)}`)
    const stored = (await registry.versions()).map(({ version }) => version)
    t.same(
      acknowledged.slice(-15).filter((version) => !stored.includes(version)),
      [],
    )
    t.same(registry.problems(), [])
    for (const version of await new ModelFiles(here.path, KINDS.anomaly).versions()) {
      decodeArtifact((await new ModelFiles(here.path, KINDS.anomaly).read(version))!, KINDS.anomaly)
      t.ok(stored.includes(version), `${version} is no trace of what was not acknowledged`)
    }
  }
})

t.test('a registry that is closed ends what it was taking up, and takes up no more', async (t) => {
  const here = await place(t)
  const { version } = await registryOf(here).publish(SMALL)
  const path = (await place(t)).path
  const registry = registryOf({ ...here, path })
  const taking = registry.sync()
  await registry.close()
  t.equal(await new ModelFiles(path, KINDS.anomaly).activeVersion(), version, 'whole before the end')
  await taking
  await t.rejects(registry.sync(), { code: 'SHUTTING_DOWN' })
  t.equal(registry.active(), null)
})
