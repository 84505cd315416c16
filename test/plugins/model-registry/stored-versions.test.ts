import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { removeAbandoned } from '../../../db/files.js'
import { decodeArtifact } from '../../../plugins/model-registry/artifact.js'
import { ModelFiles } from '../../../plugins/model-registry/files.js'
import { KINDS } from '../../../plugins/model-registry/kinds.js'
import { LARGE, place, registryOf, SMALL } from './a-registry.js'

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
  await rm(file)
  await mkdir(file)
  const registry = registryOf(here)
  await registry.sync()
  t.equal(await readFile(file, 'utf8'), text, 'a folder in its place')
  t.same(registry.problems(), [])
})

t.test('a folder in the place of an old version does not keep others from being removed', async (t) => {
  const { path } = await place(t)
  const files = new ModelFiles(path, KINDS.anomaly)
  for (let i = 10; i < 34; i++) await files.write(`20260131T1200000${i}Z`, '{}')
  await rm(files.pathOf('20260131T120000012Z'))
  const folder = files.pathOf('20260131T120000012Z')
  await mkdir(folder)
  await files.prune('20260131T120000010Z')
  const versions = await files.versions()
  t.equal(versions.length, 21)
  t.notOk(versions.includes('20260131T120000012Z'))
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
