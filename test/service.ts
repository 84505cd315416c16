import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Sql } from 'postgres'
import type { Test } from 'tap'
import { buildApp } from '../app.js'
import type { Connection } from '../db/pool.js'
import { loadConfig } from '../plugins/config.js'
import { databaseEnvironment, testDatabase } from './postgres.js'

export interface Answer {
  status: number
  body: {
    success: boolean
    data: Record<string, unknown>
    warnings?: string[]
    code?: string
    message?: string
    details?: unknown
  }
}

export interface Service {
  app: FastifyInstance
  sql: Sql
  connection: Connection
  dataPath: string
  get(url: string): Promise<Answer>
  post(url: string, body?: object, options?: InjectOptions): Promise<Answer>
  put(url: string, body?: object): Promise<Answer>
  delete(url: string): Promise<Answer>
}

/** The service as it runs in production, on a database (of its own or another's) and in a folder, closed after the test. */
export async function testService(
  t: Test,
  environment: Record<string, string> = {},
  database?: Pick<Service, 'sql' | 'connection'>,
): Promise<Service> {
  const { sql, connection } = database ?? (await testDatabase(t))
  const dataPath = environment['DATA_PATH'] ?? (await mkdtemp(join(tmpdir(), 'aegis-ml-test-')))
  const config = loadConfig({
    ...databaseEnvironment(connection),
    LOG_LEVEL: 'silent',
    TRAIN_EVERY: 'off', // unless a test looks at it: the clock decides
    WATCH: 'off', // likewise
    DATA_PATH: dataPath,
    MODEL_PATH: join(dataPath, 'models'),
    ...environment,
  })
  const app = await buildApp(config)
  t.teardown(async () => {
    await app.close()
    await rm(dataPath, { recursive: true, force: true })
  })
  const send = async (options: InjectOptions): Promise<Answer> => {
    const response = await app.inject(options)
    return { status: response.statusCode, body: response.json() }
  }
  return {
    app,
    sql,
    connection,
    dataPath,
    get: (url) => send({ method: 'GET', url }),
    delete: (url) => send({ method: 'DELETE', url }),
    put: (url, body) => send({ method: 'PUT', url, ...(body && { payload: body }) }),
    post: (url, body, options = {}) =>
      send({ method: 'POST', url, ...(body && { payload: body }), ...options }),
  }
}

export const USUAL = {
  requests_per_second: 50,
  avg_latency_ms: 45,
  p95_latency_ms: 90,
  p99_latency_ms: 135,
  error_rate: 0.01,
}

/** The same at a time at which it is usual in synthetic traffic, whose rhythm is that of a working week in UTC. */
export const USUAL_MONDAY = { ...USUAL, timestamp: '2026-11-16T10:00:00.000Z' }

/** The last day is a Friday. */
const SYNTHETIC = { baseRps: 50, anomalyRate: 0.05, seed: 42, endMs: Date.parse('2026-11-14T00:00:00Z') }

/**
 * Trains the service on synthetic traffic: a week, or the day that is enough where no rhythm matters. The traffic is
 * the same at every time of day, except for a service of another process.
 */
export async function trainOnSynthetic(
  { app, post }: Pick<Service, 'post'> & Partial<Pick<Service, 'app'>>,
  hours = 168,
): Promise<void> {
  if (app) await app.syntheticData.generate({ ...SYNTHETIC, durationHours: hours })
  else await post('/generate/synthetic', { seed: 42, duration_hours: hours })
  const { body } = await post('/train/synthetic')
  if (body.data['trained'] !== true) throw new Error(JSON.stringify(body))
}
