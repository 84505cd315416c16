import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import type { Test } from 'tap'
import { post, startService } from '../e2e/process.js'
import { databaseEnvironment, testDatabase } from '../postgres.js'

/** A service process with a gateway's log, and a folder to work in, as a reader of the documents has them. */
export interface ReadersService {
  readonly url: string
  readonly sql: Sql
  readonly folder: string
  /** For commands that work on the same database and data. */
  readonly environment: Record<string, string>
}

/** A folder in which packages are installed. */
export async function readersFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-docs-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  return folder
}

/** With nothing that was learned. */
export async function readersService(t: Test): Promise<ReadersService> {
  const { sql, connection } = await testDatabase(t)
  const folder = await readersFolder(t)
  const environment = {
    ...databaseEnvironment(connection),
    DATA_PATH: folder,
    MODEL_PATH: join(folder, 'models'),
  }
  const { url } = await startService(t, { ...environment, LOG_LEVEL: 'error' })
  await writeLog(sql)
  return { url, sql, folder, environment }
}

/** Three hours of a gateway's requests up to now, and one of January. */
async function writeLog(sql: Sql): Promise<void> {
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms, ip_address)
    select now() - i * interval '2 s', 'GET', '/', case when i % 50 = 0 then 500 else 200 end, 20 + i % 17,
      ('10.0.0.' || 1 + i % 7)::inet
    from generate_series(1, 5400) i
    union all select '2026-01-15T12:00Z', 'GET', '/', 200, 20, null`
}

/** With a model of each kind. */
export async function trainedService(t: Test): Promise<ReadersService> {
  const service = await readersService(t)
  const { body } = await post(`${service.url}/train`, { days: 1 })
  t.match(body.data, { anomaly_detector: { trained: true }, rate_optimizer: { trained: true } })
  return service
}
