import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { decodeArtifact } from '../../../plugins/model-registry/artifact.js'
import { ModelFiles } from '../../../plugins/model-registry/files.js'
import { KINDS } from '../../../plugins/model-registry/kinds.js'
import { LARGE, place, RECORD, registryOf, SMALL } from './a-registry.js'

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
