import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { fitAnomalyModel } from '../../models/anomaly/model.js'
import { removeAbandoned } from '../../plugins/atomic-file.js'
import { ModelFiles } from '../../plugins/model-files.js'
import { createModelRegistry } from '../../plugins/model-registry.js'
import { silentLog } from '../postgres.js'

const row = [50, 45, 90, 135, 0.01]
const model = (minutes: number) =>
  fitAnomalyModel(Float64Array.from(Array(minutes).fill(row).flat()), {
    contamination: 0.1,
    anomalyThreshold: -0.5,
    nEstimators: 10,
    seed: 1,
  })
const SMALL = model(10)
const LARGE = model(30)
const clock = () => new Date('2026-01-31T12:00:00.000Z')

async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

const registryOf = (path: string, now = clock) =>
  createModelRegistry({ files: new ModelFiles(path), engine: 'kernel', log: silentLog, now })

t.test('a published model is active, and again after a restart', async (t) => {
  const path = await folder(t)
  const registry = registryOf(path)
  t.equal(registry.active.anomaly, null)
  t.equal(await registry.load(), null)
  const published = await registry.publish(SMALL)
  t.equal(registry.active.anomaly, published)
  const again = registryOf(path)
  t.equal((await again.load())?.version, published.version)
  t.same(again.active.anomaly?.model, SMALL)
})

t.test('versions are in the order of publishing even when the clock stands or goes back', async (t) => {
  const path = await folder(t)
  const versions: string[] = []
  for (const time of ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z', '2026-01-30T12:00:00Z']) {
    versions.push((await registryOf(path, () => new Date(time)).publish(SMALL)).version)
  }
  t.same(versions, ['20260131T120000000Z', '20260131T120000001Z', '20260131T120000002Z'])
})

t.test('after a reset nothing is active until a load, and what is stored stays', async (t) => {
  const path = await folder(t)
  const registry = registryOf(path)
  const { version } = await registry.publish(SMALL)
  await registry.reset()
  t.equal(registry.active.anomaly, null)
  t.equal(await new ModelFiles(path).activeVersion(), null)
  t.equal((await registry.load())?.version, version)
})

t.test('a damaged file is reported, left where it is, and the newest whole one serves', async (t) => {
  const path = await folder(t)
  const first = await registryOf(path).publish(SMALL)
  const second = await registryOf(path).publish(LARGE)
  const file = new ModelFiles(path).pathOf(second.version)
  const text = await readFile(file, 'utf8')
  const damages: [string, string, RegExp][] = [
    ['cut short', text.slice(0, -100), /cannot be used/],
    ['empty', '', /cannot be used/],
    ['another number', text.replace('"nSamples":30', '"nSamples":31'), /checksum does not match/],
    [
      'another base64 digit',
      text.replace(/"threshold":"(.)/, (_, c: string) => `"threshold":"${c === 'A' ? 'B' : 'A'}`),
      /checksum/,
    ],
    [
      'from the future',
      text.replace('"schema_version":1', '"schema_version":2'),
      /reads version 1, so train/,
    ],
    ['not an object', 'null', /cannot be used/],
    ['binary rubbish', '\u0000\ufffd\u0001', /cannot be used/],
  ]
  for (const [name, damaged, problem] of damages) {
    t.not(damaged, text, name)
    await writeFile(file, damaged)
    const registry = registryOf(path)
    await registry.restore()
    t.equal(registry.active.anomaly?.version, first.version, name)
    t.match(registry.problems, [problem], name)
    t.equal(await readFile(file, 'utf8'), damaged, name)
  }
  await writeFile(file, text)
  const mended = registryOf(path)
  await mended.restore()
  t.equal(mended.active.anomaly?.version, second.version, 'what stood in was not chosen for good')
})

t.test('other files in the folder, and folders called like files, harm nothing', async (t) => {
  const path = await folder(t)
  for (const name of [
    'anomaly_detector-20261399T999999999Z.json',
    'anomaly_detector-99991231T235959999Z.json',
    'anomaly_detector-latest.json',
    'notes.txt',
  ]) {
    await writeFile(join(path, name), 'rubbish')
  }
  await mkdir(join(path, 'anomaly_detector-20260101T000000000Z.json.0123456789ab.tmp'))
  const registry = registryOf(path)
  await removeAbandoned(path, Date.now() + 1e9)
  await registry.restore()
  t.equal(registry.active.anomaly, null)
  const { version } = await registry.publish(SMALL)
  t.equal(version, '20260131T120000000Z')
  t.same(await new ModelFiles(path).versions(), [version])
})

t.test('what a killed writer has left is removed after an hour', async (t) => {
  const path = await folder(t)
  const left = join(path, 'anomaly_detector-20260101T000000000Z.json.0123456789ab.tmp')
  await writeFile(left, 'half')
  await removeAbandoned(path, Date.now())
  t.same(await readdir(path), ['anomaly_detector-20260101T000000000Z.json.0123456789ab.tmp'])
  await removeAbandoned(path, Date.now() + 3_700_000)
  t.same(await readdir(path), [])
})

t.test('the newest twenty are kept, and the active one', async (t) => {
  const path = await folder(t)
  const registry = registryOf(path)
  const versions: string[] = []
  for (let run = 0; run < 23; run++) versions.push((await registry.publish(SMALL)).version)
  t.same(await new ModelFiles(path).versions(), versions.slice(3).reverse())
})

t.test('what a model answers does not change while another is being published', async (t) => {
  const path = await folder(t)
  const registry = registryOf(path)
  await registry.publish(SMALL)
  const sizes = new Set<number>()
  const publishing = Promise.all([registry.publish(LARGE), registry.reset(), registry.publish(SMALL)])
  let done = false
  void publishing.then(() => (done = true))
  while (!done) {
    const { anomaly } = registry.active
    if (anomaly) {
      anomaly.engine.score(new Float64Array(4))
      sizes.add(anomaly.model.nSamples)
    }
    await delay(0)
  }
  t.ok([...sizes].every((size) => size === 10 || size === 30))
  t.equal(registry.active.anomaly?.model.nSamples, 10)
})

t.test('kill -9 while models are published leaves whole files and the last one active', async (t) => {
  const path = await folder(t)
  const publisher = fileURLToPath(new URL('./publish-models.js', import.meta.url))
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, [publisher, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let published = ''
    child.stdout.on('data', (chunk: Buffer) => (published += chunk.toString()))
    await once(child.stdout, 'data')
    await delay(20 + 37 * round)
    child.kill('SIGKILL')
    await once(child, 'close')
    const last = published.trim().split('\n').at(-1)!
    const registry = registryOf(path)
    const active = await registry.load()
    t.ok(active !== null && active.version >= last, `${active?.version} is at least ${last}`)
    t.same(registry.problems, [])
    for (const version of await new ModelFiles(path).versions()) await new ModelFiles(path).read(version)
  }
  t.ok((await readdir(path)).length > 2)
})
