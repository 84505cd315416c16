import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { migrate } from '../../../db/migrate.js'
import { openPool } from '../../../db/pool.js'
import { fitAnomalyModel } from '../../../models/anomaly/model.js'
import type { Database } from '../../../plugins/database.js'
import { followActiveModel } from '../../../plugins/model-registry/follower.js'
import { createModelRegistry } from '../../../plugins/model-registry/registry.js'
import { eventually } from '../../eventually.js'
import { silentLog, testDatabase } from '../../postgres.js'
import { switchableProxy } from '../switchable-proxy.js'

const SAMPLES = Float64Array.from(Array<number[]>(10).fill([50, 45, 90, 135, 0.01]).flat())
const TIMES = Float64Array.from({ length: 10 }, (_, index) => index * 60_000)
const OPTIONS = { contamination: 0.1, anomalyThreshold: -0.5, nEstimators: 10, seed: 1 }
const MODEL = fitAnomalyModel({ samples: SAMPLES, timesMs: TIMES }, OPTIONS)

async function registryOn(t: Test, sql: Sql) {
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const options = { sql, folder, engine: 'kernel', log: silentLog, now: () => new Date() } as const
  const registry = createModelRegistry(options)
  const record = { source: 'synthetic', from: null, to: null, exclude: [], durationSeconds: 1 }
  const training = { ...record, parameters: {}, metrics: {} }
  const trained = { anomaly: { model: MODEL, training }, optimizer: null }
  const publish = () =>
    registry.publish(async ({ store, activate }) => {
      const stored = await sql.begin((tx) => store(tx, trained))
      await activate(stored)
      return stored.anomaly!
    })
  return { registry, publish }
}

/** A registry that follows another one's changes, by a connection of its own through a proxy. */
async function follow(t: Test, pollMs: number) {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  const proxy = await switchableProxy(t, connection.port)
  const { registry } = await registryOn(t, sql)
  const assertUsable = async () => void (await sql`select 1`)
  const openConnection: Database['openConnection'] = (options) =>
    openPool({ ...connection, port: proxy.port }, options)
  const database = { assertUsable, openConnection }
  const following = await followActiveModel({ registry, database, log: silentLog, pollMs })
  t.teardown(async () => {
    await following.stop()
    await registry.close()
  })
  const follows = async (version: string) => {
    await eventually(async () => registry.active.anomaly?.version === version)
    t.pass('the change has arrived')
  }
  return { sql, proxy, follows, ...(await registryOn(t, sql)) }
}

const NEVER_MS = 3_600_000

const breakListening = (sql: Sql) => sql`select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and query like 'listen%'`

t.test('notifications alone bring a change, also after their connection broke', async (t) => {
  const { sql, publish, follows } = await follow(t, NEVER_MS)
  await follows((await publish()).version)
  t.equal((await breakListening(sql)).length, 1)
  await follows((await publish()).version)
})

t.test('what changed while their connection was broken is asked for when it is back', async (t) => {
  const { sql, publish, follows } = await follow(t, NEVER_MS)
  const { version } = await publish()
  await follows((await publish()).version)
  await sql`update aegis_ml_active_models set version = ${version}` // of which nobody is told
  await breakListening(sql)
  await follows(version)
})

t.test('a change that nobody was told of is found by the poll', async (t) => {
  const { sql, publish, follows } = await follow(t, 200)
  const { version } = await publish()
  await follows((await publish()).version)
  await sql`update aegis_ml_active_models set version = ${version}`
  await follows(version)
})

t.test('connections that hang are replaced', async (t) => {
  const { proxy, publish, follows } = await follow(t, 200)
  await follows((await publish()).version)
  proxy.strand()
  await follows((await publish()).version)
})

t.test('a connection that lives and hears nothing is replaced', async (t) => {
  const { proxy, publish, follows } = await follow(t, 200)
  await follows((await publish()).version)
  const before = proxy.connections()
  proxy.strand(1) // the one that listens; the other one goes on sending the echo
  await eventually(async () => proxy.connections() > before)
  await follows((await publish()).version)
})
