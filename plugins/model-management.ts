import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { findComparison, type TrainedVersion } from '../db/own/model-comparisons.js'
import type { Comparison } from '../models/stream/comparison/comparison.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import {
  isVersion,
  LOCAL_FOR_NOW,
  MODEL_NAMES,
  storedName,
  type ActiveModels,
  type ActiveOf,
  type ModelName,
  type ModelRegistry,
} from './model-registry.js'
import { createMerged } from './model-registry/merged.js'

/**
 * The active models are the same on all replicas, so that a change needs the database. Loading and resetting work on the
 * files of this replica while the database is down.
 */
export interface ModelManagement {
  /** The active models. */
  info(): ActiveModels
  /** What is stored, the newest first. */
  versions: ModelRegistry['versions']
  /** How a detector compares with the one that was active before it. */
  comparison(version: string): Promise<ComparedVersion>
  /** Makes stored models active: the named ones, or all. Null where none is stored. */
  load(models?: readonly ModelName[]): Promise<Changed<Partial<ActiveModels>>>
  /** Makes a stored version active. */
  activate<N extends ModelName>(model: N, version: string): Promise<ActiveOf<N>>
  /** Makes nothing active and clears the sliding windows. */
  reset(): Promise<Changed<void>>
}

export interface ComparedVersion extends TrainedVersion {
  readonly comparison: Comparison
}

export interface Changed<T> {
  readonly models: T
  /** That the change is local for now. */
  readonly warnings: readonly string[]
}

declare module 'fastify' {
  interface FastifyInstance {
    modelManagement: ModelManagement
  }
}

/** Changes of the models that callers may have asked for at the same time. */
const MAX_CHANGES = 16

function createModelManagement({
  sql,
  models,
  database,
}: {
  sql: Sql
  models: ModelRegistry
  database: Pick<Database, 'assertUsable' | 'status'>
}): ModelManagement {
  const merged = createMerged(MAX_CHANGES)
  const withDatabase = async <T>(work: () => Promise<T>): Promise<T> => {
    await database.assertUsable()
    return work()
  }
  /** @param work on all replicas or, while the database is down, on this one */
  const anyway = async <T>(
    work: (target: Pick<ModelRegistry['local'], 'load' | 'reset'>) => Promise<T>,
  ): Promise<Changed<T>> => {
    const isDown = (await database.status()) !== 'connected'
    if (isDown) return { models: await work(models.local), warnings: [LOCAL_FOR_NOW] }
    await database.assertUsable()
    return { models: await work(models), warnings: [] }
  }
  return {
    info: () => models.active,
    versions: () => withDatabase(() => models.versions()),
    comparison: (version) =>
      withDatabase(async () => {
        if (!isVersion(version)) throw notStored(version)
        const found = await findComparison(sql, storedName('anomaly'), version)
        if (found === undefined) throw notStored(version)
        if (!found?.comparison) throw notCompared(version)
        return { ...found, comparison: found.comparison }
      }),
    load(asked = MODEL_NAMES) {
      const names = MODEL_NAMES.filter((name) => asked.includes(name))
      const loadAll = async (target: Pick<ModelRegistry['local'], 'load'>) => {
        const loaded: [ModelName, ActiveModels[ModelName]][] = []
        for (const name of names) loaded.push([name, await target.load(name)])
        return Object.fromEntries(loaded)
      }
      return merged.run(`load ${names.join()}`, () => anyway(loadAll))
    },
    activate: (model, version) =>
      merged.run(`activate ${model} ${version}`, () => withDatabase(() => models.activate(model, version))),
    reset: () => merged.run('reset', () => anyway((target) => target.reset())),
  }
}

function notStored(version: string): ServiceError {
  const message = `There is no version ${version} of the anomaly detector. GET /model/versions lists those that are stored.`
  return new ServiceError('MODEL_NOT_FOUND', message)
}

function notCompared(version: string): ServiceError {
  const message = `Version ${version} was not compared: there was no active version to compare it with, or its training was on a file or in an earlier release. POST /train makes a version that is compared with the active one.`
  return new ServiceError('NOT_COMPARED', message)
}

/** `fastify.modelManagement`. */
export default fp(
  async (app) => {
    app.decorate('modelManagement', createModelManagement(app))
  },
  { name: 'model-management', dependencies: ['model-registry', 'database'] },
)
