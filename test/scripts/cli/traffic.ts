import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { migrate } from '../../../db/migrate.js'
import { insertRequests, randomRequests } from '../../db/traffic/request-rows.js'
import { testDatabase } from '../../postgres.js'
import { databaseFlags, runScript } from './process.js'

export const SCRIPT = 'export-training-data'
export const FROM = new Date('2026-03-01T10:00:00Z')
export const TO = new Date('2026-03-02T10:00:00Z')
export const RANGE = ['--start', FROM.toISOString(), '--end', TO.toISOString()]

export async function folder(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A database with some traffic, and the flags that lead to it. */
export async function traffic(t: Test, count = 400) {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  if (count > 0) await insertRequests(sql, 'request_logs', randomRequests(count, FROM, TO, 1))
  const flags = databaseFlags(connection)
  const run = (...args: string[]) => runScript(SCRIPT, [...flags, ...args])
  return { sql, connection, flags, run }
}
