import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { replaceFile } from '../../db/files.js'
import { makePrivate, newFolderMode } from '../../db/private-files.js'
import { ensureFolder } from '../../plugins/config/folders.js'
import { testDirectory } from '../postgres.js'

/** Root's folders can be passed: its PostgreSQL runs as another user. */
const FOLDER = process.getuid!() === 0 ? '711' : '700'
const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

t.test('new folders and files are for the user of the service alone', async (t) => {
  const folder = join(await testDirectory(t), 'data', 'models')
  await ensureFolder('MODEL_PATH', folder)
  t.equal(await modeOf(folder), FOLDER)
  t.equal(await modeOf(join(folder, '..')), FOLDER)
  const file = join(folder, 'new', 'active.json')
  await replaceFile(file, (handle) => handle.writeFile('{}'))
  t.equal(await modeOf(file), '600')
  t.equal(await modeOf(join(folder, 'new')), newFolderMode().toString(8))
})

t.test('what a release before left open is closed at the start, and nothing that is not ours', async (t) => {
  const folder = join(await testDirectory(t), 'data')
  await mkdir(folder, { mode: 0o755 })
  const ours = ['synthetic_training_data.csv', 'active.json', 'anomaly_detector-20260101T000000000Z.json']
  for (const name of [...ours, 'notes.txt']) await writeFile(join(folder, name), '', { mode: 0o644 })
  await ensureFolder('DATA_PATH', folder)
  t.equal(await modeOf(folder), FOLDER)
  for (const name of ours) t.equal(await modeOf(join(folder, name)), '600', name)
  t.equal(await modeOf(join(folder, 'notes.txt')), '644')
})

t.test('a volume that is shared by a group stays open to the group', async (t) => {
  const folder = join(await testDirectory(t), 'volume')
  await mkdir(folder)
  await chmod(folder, 0o2775)
  await writeFile(join(folder, 'active.json'), '')
  await chmod(join(folder, 'active.json'), 0o664)
  await makePrivate(folder, /^active\.json$/)
  t.match(await modeOf(folder), process.getuid!() === 0 ? '2771' : '2770')
  t.equal(await modeOf(join(folder, 'active.json')), '660')
  await replaceFile(join(folder, 'new.json'), (handle) => handle.writeFile('{}'))
  t.match(await modeOf(join(folder, 'new.json')), /^6[46]0$/, 'the umask may take the right to write')
})

t.test('a folder for everybody, as /tmp, and one of another user stay as they are', async (t) => {
  const folder = await testDirectory(t)
  await chmod(folder, 0o1777)
  await makePrivate(folder, /./)
  t.equal(await modeOf(folder), '1777')
  if (process.getuid!() !== 0) return
  const other = join(folder, 'other')
  await mkdir(other)
  await chmod(other, 0o755)
  await chown(other, 12_345, 12_345)
  await makePrivate(other, /./)
  t.equal(await modeOf(other), '755')
})
