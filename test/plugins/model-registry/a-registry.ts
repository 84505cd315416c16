import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import type { Test } from 'tap'
import { migrate } from '../../../db/migrate.js'
import { fitAnomalyModel, type AnomalyModel } from '../../../models/anomaly/model.js'
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
export const SMALL = model(10)
export const LARGE = model(30)
const clock = () => new Date('2026-01-31T12:00:00.000Z')

export const RECORD = {
  source: 'request_logs',
  from: '2026-01-24T12:00:00.000Z',
  to: '2026-01-31T12:00:00.000Z',
  exclude: [],
  durationSeconds: 1.5,
  parameters: { contamination: 0.1 },
  metrics: { anomaly_share: 0.01 },
}

/** A folder and a database for a registry. */
export async function place(t: Test) {
  const path = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  return { path, sql, connection }
}

/** A registry, with the changes of its detector. `beforeCommit` runs in the transaction of a publication. */
export function registryOf({ path, sql }: { path: string; sql: Sql }, now = clock) {
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
