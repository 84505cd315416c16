import { spawnSync } from 'node:child_process'
import type { Connection } from '../db/pool.js'

export function psqlInstalled(): boolean {
  return spawnSync('psql', ['--version'], { stdio: 'ignore' }).status === 0
}

/** Duration of a command in psql, including its start, in milliseconds. */
export function timedPsql(connection: Connection, command: string): number {
  const { host, port, user, password, database } = connection
  const flags = [
    '-X',
    '-q',
    '-v',
    'ON_ERROR_STOP=1',
    '-h',
    host,
    '-p',
    String(port),
    '-U',
    user,
    '-d',
    database,
  ]
  const start = performance.now()
  const { status, stderr } = spawnSync('psql', [...flags, '-c', command], {
    env: { ...process.env, PGPASSWORD: password },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`psql: ${stderr}`)
  return performance.now() - start
}
