import { readdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { readEmbeddedConnection } from '../../db/embedded/embedded-postgres.js'
import { ModelFiles } from '../../plugins/model-registry/files.js'
import { KINDS } from '../../plugins/model-registry/kinds.js'
import { openSql, testDirectory } from '../postgres.js'
import { USUAL } from '../service.js'
import { get, post, spawnService, startService } from './process.js'

t.test('a bad variable ends the start with 78 and one line', async (t) => {
  const service = await spawnService(t, { CONTAMINATION: '7' })
  t.equal(await service.end('SIGCONT'), 78)
  t.equal(service.output(), 'aegis-ml: CONTAMINATION is "7"; allowed is a number above 0, up to 0.5.\n')
})

t.test('a folder that cannot be one ends the start with 78 and one line', async (t) => {
  const dataPath = await testDirectory(t)
  await writeFile(join(dataPath, 'file'), '')
  for (const path of [join(dataPath, 'file'), join(dataPath, 'file', 'below'), '/proc/aegis-ml']) {
    const service = await spawnService(t, { DATA_PATH: dataPath, MODEL_PATH: path })
    t.equal(await service.end('SIGCONT'), 78)
    t.match(service.output(), /^aegis-ml: MODEL_PATH is ".*"; allowed is a folder that .*\n$/)
  }
})

t.test('with nothing but a folder the service starts, learns, stops, and knows it all again', async (t) => {
  const dataPath = await testDirectory(t)
  const environment = { DATA_PATH: dataPath, MODEL_PATH: join(dataPath, 'models') }
  const first = await startService(t, environment)
  const health = await get(`${first.url}/health`)
  t.match(health.body.data, { status: 'healthy', database: 'connected', database_mode: 'embedded' })
  t.equal((await get(`${first.url}/health/ready`)).status, 200)
  t.match((await post(`${first.url}/train`)).body.data, { anomaly_detector: { trained: false, samples: 0 } })
  await post(`${first.url}/generate/synthetic`, { seed: 42, duration_hours: 24 })
  const trained = await post(`${first.url}/train/synthetic`)
  t.match(trained.body.data, { trained: true, samples: 1440 })
  t.equal(await first.end('SIGTERM'), 0)
  t.equal(await postgresProcesses(dataPath), 0)

  const second = await startService(t, environment)
  t.match((await get(`${second.url}/model/info`)).body.data, { anomaly_detector: { is_trained: true } })
  t.match((await post(`${second.url}/detect`, USUAL)).body.data, { anomaly: false })
  t.match((await post(`${second.url}/detect`, { ...USUAL, requests_per_second: 500 })).body.data, {
    anomaly: true,
    anomaly_type: 'traffic_spike',
    explanation: /^Traffic 500 requests\/s \([\d.]+ times the usual\), expected/,
  })
  await post(`${second.url}/model/reset`)
  t.equal(await second.end('SIGINT'), 0)

  const third = await startService(t, environment)
  t.match((await get(`${third.url}/model/info`)).body.data, { anomaly_detector: null })
  t.match((await post(`${third.url}/model/load`)).body.data, { anomaly_detector: { loaded: true } })
})

t.test(
  'a request that never arrives whole, and one that waits for a lock, do not keep it from stopping',
  async (t) => {
    const dataPath = await testDirectory(t)
    const service = await startService(t, { DATA_PATH: dataPath, MODEL_PATH: join(dataPath, 'models') })
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(
      'POST /detect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    const sql = openSql(await readEmbeddedConnection(dataPath))
    const locker = await sql.reserve()
    await locker`begin`
    await locker`lock table request_logs in access exclusive mode`
    const training = post(`${service.url}/train`)
    await delay(500)
    const ended = service.end('SIGTERM')
    t.match(await training, { status: 503, body: { code: 'SHUTTING_DOWN' } })
    t.equal(await ended, 0, 'not killed by the limit')
    t.equal(await postgresProcesses(dataPath), 0)
    locker.release()
    await sql.end({ timeout: 0 })
  },
)

t.test('a model file that is damaged is mended from the database at the start', async (t) => {
  const dataPath = await testDirectory(t)
  const modelPath = join(dataPath, 'models')
  const first = await startService(t, { DATA_PATH: dataPath, MODEL_PATH: modelPath })
  await post(`${first.url}/generate/synthetic`, { duration_hours: 2 })
  await post(`${first.url}/train/synthetic`)
  await first.end('SIGINT')
  const files = new ModelFiles(modelPath, KINDS.anomaly)
  const [version] = await files.versions()
  const text = await files.read(version!)
  await writeFile(files.pathOf(version!), 'rubbish')
  const second = await startService(t, { DATA_PATH: dataPath, MODEL_PATH: modelPath })
  t.match((await get(`${second.url}/health`)).body.data, { status: 'healthy', problems: [] })
  t.match(await post(`${second.url}/detect`, USUAL), {
    status: 200,
    body: { data: { model_version: version } },
  })
  t.equal(await files.read(version!), text)
  t.equal(await second.end('SIGTERM'), 0)
})

t.test(
  'kill -9 while it trains: it starts again and serves the last model that was acknowledged',
  async (t) => {
    const dataPath = await testDirectory(t)
    const modelPath = join(dataPath, 'models')
    const environment = { DATA_PATH: dataPath, MODEL_PATH: modelPath }
    let acknowledged = ''
    for (let round = 0; round < 4; round++) {
      const service = await startService(t, environment)
      const { data } = (await get(`${service.url}/model/info`)).body
      const active = (data['anomaly_detector'] as { version: string } | null)?.version ?? ''
      t.ok(active >= acknowledged, `round ${round}: ${active} is active, ${acknowledged} was acknowledged`)
      t.match((await get(`${service.url}/health`)).body.data, { status: 'healthy' })
      if (round === 0) await post(`${service.url}/generate/synthetic`, { duration_hours: 24 })
      const training = (async () => {
        for (;;) acknowledged = (await post(`${service.url}/train/synthetic`)).body.data['version'] as string
      })().catch(() => undefined)
      await delay(300 + 211 * round)
      await service.end('SIGKILL')
      await training
    }
    for (const version of await new ModelFiles(modelPath, KINDS.anomaly).versions())
      await new ModelFiles(modelPath, KINDS.anomaly).read(version)
    const last = await startService(t, environment)
    t.equal(await last.end('SIGTERM'), 0)
    t.equal(await postgresProcesses(dataPath), 0)
  },
)

/** PostgreSQL processes whose data directory is below a folder. */
async function postgresProcesses(folder: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return commands.filter((command) => command.includes('postgres') && command.includes(folder)).length
}
