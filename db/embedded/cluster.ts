import { randomBytes } from 'node:crypto'
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Log } from '../log.js'
import type { Binaries } from './binaries.js'
import { replaceFile } from '../files.js'
import { isCluster, newDirectory, removeLeftovers } from './places.js'
import { run, type Account } from './processes.js'

export const SUPERUSER = 'aegis_user'

export const passwordFileOf = (home: string) => join(home, 'password')

/** The password of the database, made before the first initdb and readable by the service's user alone. */
export async function settlePassword(home: string, dataDirectory: string): Promise<string> {
  const file = passwordFileOf(home)
  const stored = await readPassword(file)
  if (stored !== undefined) return stored
  if (await isCluster(dataDirectory)) {
    throw new Error(`The password of the database in ${dataDirectory} is missing: restore ${file}.`)
  }
  const password = randomBytes(24).toString('base64url')
  await replaceFile(file, (handle) => handle.writeFile(`${password}\n`), 0o600)
  return password
}

export async function readPassword(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

interface NewCluster {
  dataDirectory: string
  password: string
  binaries: Binaries
  account: Account | undefined
  log: Log
}

/**
 * Creates the data directory where there is none: beside its place, then renamed, so that what stands there is
 * whole whenever the service is killed.
 */
export async function createCluster({ dataDirectory, password, binaries, account, log }: NewCluster) {
  const parent = dirname(dataDirectory)
  await removeLeftovers(parent, log)
  if (await isCluster(dataDirectory)) return
  log.info({ directory: dataDirectory }, 'creating the database')
  const temporary = await newDirectory(parent, account)
  try {
    const passwordFile = join(temporary, 'password')
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    if (account !== undefined) await chown(passwordFile, account.uid, account.gid)
    const unfinished = join(temporary, 'data')
    const { ok, stderr } = await run(
      binaries.initdb,
      [
        `--pgdata=${unfinished}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      account,
    )
    if (!ok) throw new Error(`The database could not be created in ${parent}: ${stderr}`)
    await rename(unfinished, dataDirectory)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}
