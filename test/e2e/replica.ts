import { join } from 'node:path'
import type { Test } from 'tap'
import type { Connection } from '../../db/pool.js'
import { databaseEnvironment, testDirectory } from '../postgres.js'
import { get, startService, type ServiceProcess } from './process.js'

/** A service of several on one database, with folders of its own. */
export interface Replica {
  readonly modelPath: string
  /** The process that it is now. */
  readonly service: ServiceProcess
  start(): Promise<void>
}

export async function startReplica(t: Test, connection: Connection): Promise<Replica> {
  const dataPath = await testDirectory(t)
  const modelPath = join(dataPath, 'models')
  const environment = {
    ...databaseEnvironment(connection),
    DATA_PATH: dataPath,
    MODEL_PATH: modelPath,
    WATCH: 'off', // its lease is held as long as a replica lives
  }
  let service = await startService(t, environment)
  return {
    modelPath,
    get service() {
      return service
    },
    async start() {
      service = await startService(t, environment)
    },
  }
}

/** The version that a replica judges with, or null. */
export async function versionInUse({ service }: Replica): Promise<string | null> {
  const { data } = (await get(`${service.url}/model/info`)).body
  return (data['anomaly_detector'] as { version: string } | null)?.version ?? null
}
