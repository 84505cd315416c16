import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { beginFile, removeAbandoned, removeAbandonedVersions, replaceFile } from '../../db/files.js'
import { testDirectory } from '../postgres.js'

t.test('a file is put in place whole, in a folder that is made for it', async (t) => {
  const path = join(await testDirectory(t), 'new', 'file')
  await replaceFile(path, (file) => file.writeFile('one'))
  await replaceFile(path, (file) => file.writeFile('two'), 0o600)
  t.equal(await readFile(path, 'utf8'), 'two')
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.same(await readdir(join(path, '..')), ['file'])
})

t.test('when the writing fails, what stood there still stands, and nothing else', async (t) => {
  const folder = await testDirectory(t)
  const path = join(folder, 'file')
  await writeFile(path, 'before')
  const failing = replaceFile(path, async (file) => {
    await file.writeFile('half')
    throw new Error('disk full')
  })
  await t.rejects(failing, { message: 'disk full' })
  t.equal(await readFile(path, 'utf8'), 'before')
  t.same(await readdir(folder), ['file'])
})

t.test('a file that cannot get its name leaves nothing', async (t) => {
  const folder = await testDirectory(t)
  const path = join(folder, 'file')
  await replaceFile(join(path, 'below'), (file) => file.writeFile(''))
  const file = await beginFile(path)
  await t.rejects(file.finish(), { code: 'EISDIR' })
  t.same(await readdir(folder), ['file'])
})

t.test('a file that is discarded leaves nothing, and no listener on the process', async (t) => {
  const folder = await testDirectory(t)
  const listeners = process.listenerCount('exit')
  const file = await beginFile(join(folder, 'file'))
  t.equal((await readdir(folder)).length, 1)
  await file.discard()
  t.same(await readdir(folder), [])
  t.equal(process.listenerCount('exit'), listeners)
})

t.test('what a killed process left is removed from a folder after an hour', async (t) => {
  const folder = await testDirectory(t)
  const left = 'anomaly_detector-20260101T000000000Z.json.0123456789ab.tmp'
  await writeFile(join(folder, left), 'half')
  await removeAbandoned(folder, Date.now())
  t.same(await readdir(folder), [left])
  await removeAbandoned(folder, Date.now() + 3_700_000)
  t.same(await readdir(folder), [])
})

t.test('of one file, what a process left that does not run any more is removed at once', async (t) => {
  const folder = await testDirectory(t)
  const mine = process.pid.toString(16).padStart(8, '0')
  const kept = ['b.csv.7fffffff0000.tmp', `a.csv.${mine}0000.tmp`, 'a.csv']
  for (const name of [...kept, 'a.csv.7fffffff0000.tmp']) await writeFile(join(folder, name), '')
  await removeAbandonedVersions(join(folder, 'a.csv'))
  t.same((await readdir(folder)).sort(), kept.toSorted())
})
