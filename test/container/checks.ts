import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import t from 'tap'
import { databaseEnvironment, testDatabase } from '../postgres.js'
import { get, post } from '../e2e/process.js'
import { USUAL } from '../service.js'
import { startContainer, untilAnswers, volume } from './container.js'
import { buildImage } from './image.js'
import { assertTools, run } from './tools.js'

/** `npm run test:container`: the Dockerfile is built, and what it makes is run and asked over HTTP. */
await assertTools()
const image = await buildImage()
t.teardown(() => image.remove())
process.stderr.write(`base: ${image.base.origin}, ${image.baseSize}; the image: ${image.size}\n`)

t.test('the image says how it is run', async (t) => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
  t.match(image.config, {
    User: '1000:1000',
    StopSignal: 'SIGTERM',
    Volumes: { '/data': {} },
    ExposedPorts: { '5000/tcp': {} },
    Labels: { 'org.opencontainers.image.version': version, 'org.opencontainers.image.licenses': 'MIT' },
  })
  for (const each of ['ML_SERVICE_HOST=0.0.0.0', 'DATA_PATH=/data', 'MODEL_PATH=/data/models'])
    t.ok(image.config.Env.includes(each), each)
})

t.test('the image holds what runs the service, and nothing else', async (t) => {
  const inApp = (await readdir(join(image.root, 'app'))).sort()
  t.same(inApp, ['LICENSE', 'dist', 'healthcheck.js', 'node_modules', 'package.json'])
  const modules = await readdir(join(image.root, 'app/node_modules'))
  for (const name of ['typescript', 'tap', 'eslint', 'openapi-fetch', '@aegis'])
    t.notOk(modules.includes(name), name)
  const find = (...conditions: string[]) => run('find', [join(image.root, 'app'), ...conditions])
  t.equal(await find('(', '-name', '*.map', '-o', '-name', '*.test.js', '-path', '*/app/dist/*', ')'), '')
  t.equal(await find('(', '-not', '-user', 'root', '-o', '-perm', '-o=w', '-not', '-type', 'l', ')'), '')
  t.equal(await run('find', [join(image.root, 'root'), '-name', '.npmrc']), '')
  const megabytes = parseInt(await run('du', ['-sm', join(image.root, 'app')]))
  process.stderr.write(`the service in it: ${megabytes} MB\n`)
  t.ok(megabytes < 180)
})

t.test('with nothing set: its own PostgreSQL, on a read-only root, as a user without rights', async (t) => {
  const data = await volume(t)
  const container = await startContainer(t, image, data)
  await untilAnswers(container, '/health/ready')
  t.match((await get(`${container.url}/health`)).body.data, { status: 'healthy', database_mode: 'embedded' })
  const identity = await container.exec(['node', '-p', 'process.getuid() + ":" + process.getgid()'])
  t.equal(identity, '1000:1000')
  await t.rejects(container.exec(['sh', '-c', 'echo > /app/file']), { message: /Read-only file system/ })

  const [kind, ...healthcheck] = image.config.Healthcheck.Test
  t.equal(kind, 'CMD')
  await t.resolves(container.exec(healthcheck))
  await t.resolves(container.exec([...healthcheck, '/health/ready']))
  await t.rejects(container.exec([...healthcheck, '/nothing']))

  for (const file of ['openapi', 'bad-input']) {
    const path = fileURLToPath(new URL(`../contract/${file}.test.js`, import.meta.url))
    const env = { ...process.env, CONTRACT_URL: container.url }
    await t.spawn(process.execPath, ['--enable-source-maps', path], { env }, `the contract: ${file}`)
  }

  const cli = (...args: string[]) => container.exec(['node', 'dist/scripts/aegis-ml.js', ...args])
  await cli('generate-synthetic-data', '--days', '1', '--base-rps', '1', '--insert-db')
  t.match(await cli('export-training-data', '--days', '3', '--bucket', '1h'), /^time_bucket,.*\r?\n\d{4}-/)
  t.match(await post(`${container.url}/train`, { days: 3 }), {
    status: 200,
    body: { data: { anomaly_detector: { trained: true }, rate_optimizer: { trained: true } } },
  })

  const processes = await container.processes()
  t.ok([...processes.values()].some((command) => command.includes('postgres -D /data/postgres/data')))
  t.equal(await container.end(image.config.StopSignal), 0)
  t.match(container.output(), /"msg":"stopped"/)
  t.notOk((await readdir(join(data, 'postgres/data'))).includes('postmaster.pid'))
  t.same([...processes.keys()].filter(isRunning), [])

  await t.test('what it has learned is there when it starts anew, also after it was killed', async (t) => {
    for (const signal of ['KILL', 'SIGTERM']) {
      const again = await startContainer(t, image, data)
      await untilAnswers(again, '/health/ready')
      t.match(await post(`${again.url}/detect`, USUAL), { status: 200, body: { success: true } })
      t.equal(await again.end(signal), signal === 'KILL' ? 137 : 0)
    }
  })
})

t.test('with a server of PostgreSQL, and without when it is away', async (t) => {
  const { connection } = await testDatabase(t)
  const data = await volume(t)
  const environment = databaseEnvironment(connection)
  const container = await startContainer(t, image, data, environment)
  await untilAnswers(container, '/health/ready')
  t.match((await get(`${container.url}/health`)).body.data, { status: 'healthy', database_mode: 'server' })
  t.equal(await container.end(image.config.StopSignal), 0)
  t.same(await readdir(data), ['models'])

  const alone = await startContainer(t, image, data, { ...environment, POSTGRES_PORT: '1' })
  await untilAnswers(alone, '/health/live')
  t.equal((await get(`${alone.url}/health/ready`)).status, 503)
  await t.resolves(alone.exec(image.config.Healthcheck.Test.slice(1)), 'no reason for a restart')
  t.equal(await alone.end(image.config.StopSignal), 0)
})

t.test('a bad value, and an address without keys, end the start with exit code 78', async (t) => {
  for (const [environment, message] of [
    [{ CONTAMINATION: '2' }, /CONTAMINATION is "2"/],
    [
      { ALLOW_ANONYMOUS: 'false' },
      /ML_SERVICE_HOST is "0\.0\.0\.0"; allowed is a loopback address, unless API_KEYS/,
    ],
  ] as const) {
    const container = await startContainer(t, image, await volume(t), environment)
    t.equal(await container.end(), 78)
    t.match(container.output(), message)
  }
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
