import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Log } from '../log.js'
import { connectAsOwner, ownerOf, tryOwnership } from './ownership.js'
import type { Connection } from '../pool.js'
import { commandLineOf, endServer, isRunning } from './processes.js'
import { DataPathInUseError } from './service-lock.js'

export interface PostmasterFile {
  readonly pid: number
  readonly port: number
}

const fileOf = (dataDirectory: string) => join(dataDirectory, 'postmaster.pid')

/** What a server notes down about itself while it runs, and leaves behind when it is killed. */
export async function readPostmasterFile(dataDirectory: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(fileOf(dataDirectory), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const lines = text.split('\n')
  return { pid: Number(lines[0]), port: Number(lines[3]) }
}

/**
 * Clears the way for a new server on a data directory. A server that still runs there is asked whether a living
 * service holds its lock: then this one may not start; otherwise its service was killed, and it is ended. Processes
 * of a killed server that are still ending are PostgreSQL's own concern: it finds their shared memory.
 * @throws DataPathInUseError
 */
export async function replaceOrphan(
  home: string,
  dataDirectory: string,
  connection: Omit<Connection, 'port'>,
  log: Log,
): Promise<void> {
  const left = await readPostmasterFile(dataDirectory)
  if (left === undefined) return
  const answers = await isOursAndFree(home, dataDirectory, { ...connection, port: left.port })
  if (await isServerOf(left.pid, dataDirectory)) {
    log.warn({ server: left.pid }, 'ending the PostgreSQL server of a service that was killed')
    await endServer(left.pid, async () => !(await isRunning(left.pid)))
  } else if (answers) {
    throw new Error(
      `A PostgreSQL server without its service runs on ${dataDirectory} (port ${left.port}), but it is not ` +
        `process ${left.pid} here: it belongs to another container. Stop it there first.`,
    )
  }
  // A server ended by force leaves the file; and PostgreSQL takes any process of that number for the old server,
  // even one that has ended and awaits its parent.
  await rm(fileOf(dataDirectory), { force: true })
}

/** Whether the server on this port is the one of this data directory, and without a living owner. */
async function isOursAndFree(home: string, dataDirectory: string, connection: Connection): Promise<boolean> {
  if (!(connection.port > 0)) return false
  const sql = connectAsOwner(connection)
  try {
    const [row] = await sql<{ directory: string }[]>`select current_setting('data_directory') as directory`
    if (!(await isSameDirectory(row!.directory, dataDirectory))) return false
    await takeOwnership(sql, home)
    return true
  } catch (error) {
    if (error instanceof DataPathInUseError) throw error
    // Nobody there, or another server with another password: then the process tells.
    return false
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** Of a service that was killed the server lets go as soon as it notices that the connection has ended. */
const NOTICE_MS = 2_000
const LOOK_MS = 100

async function takeOwnership(sql: Sql, home: string): Promise<void> {
  for (let waitedMs = 0; !(await tryOwnership(sql)); waitedMs += LOOK_MS) {
    if (waitedMs >= NOTICE_MS) throw new DataPathInUseError(home, await ownerOf(sql))
    await delay(LOOK_MS)
  }
}

/** Whether the process is a PostgreSQL server of this data directory, by the command it was started with. */
async function isServerOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (!(pid > 0)) return false
  const command = await commandLineOf(pid)
  return command !== undefined && command.includes(`-D ${dataDirectory} `)
}

async function isSameDirectory(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a), stat(b)])
  return first.dev === second.dev && first.ino === second.ino
}
