import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { reasonWithoutPath } from '../../db/files.js'
import { testService, trainOnSynthetic } from '../service.js'
import { OPERATIONS } from '../operations.js'

t.test('no answer names a folder of the machine, also when files are damaged', async (t) => {
  const { app, sql, dataPath, post } = await testService(t)
  const csv = join(dataPath, 'synthetic_training_data.csv')
  const models = join(dataPath, 'models')
  const bodies: string[] = []
  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string) => {
    const { body } = await app.inject({ method, url })
    bodies.push(body)
    return body
  }
  t.match(await ask('POST', '/train/synthetic'), /There is no synthetic_training_data\.csv in DATA_PATH/)
  await trainOnSynthetic({ app, post }, 6)
  bodies.push(JSON.stringify(await post('/generate/synthetic', { duration_hours: 1 })))
  await writeFile(csv, 'no,columns\n')
  t.match(
    await ask('POST', '/train/synthetic'),
    /synthetic_training_data\.csv in DATA_PATH cannot be learned from/,
  )
  await rm(csv)
  await mkdir(csv)
  await ask('POST', '/train/synthetic')
  for (const name of await readdir(models)) await writeFile(join(models, name), 'damaged')
  await sql`update aegis_ml_models set artifact = 'damaged'`
  const version = /anomaly_detector-(\w+)\.json/.exec((await readdir(models)).join())![1]!
  const damaged = await post('/model/activate', { model: 'anomaly', version })
  t.match(damaged.body, {
    code: 'MODEL_UNUSABLE',
    message: /Model file anomaly_detector-\w+\.json cannot be/,
  })
  bodies.push(JSON.stringify(damaged))
  for (const { method, url } of OPERATIONS)
    if (method === 'GET' && url !== '/incidents/stream') await ask(method, url)
  t.ok(bodies.length > 20)
  for (const body of bodies) {
    for (const path of [dataPath, process.cwd(), '/node_modules/', 'file://'])
      t.notOk(body.includes(path), body)
  }
})

t.test('the reason of a failed file has no path', async (t) => {
  const missing = await readdir('/nowhere/at/all').catch((error: unknown) => error)
  t.equal(reasonWithoutPath(missing), 'ENOENT: no such file or directory')
  t.equal(reasonWithoutPath(new Error('it is damaged')), 'it is damaged')
})
