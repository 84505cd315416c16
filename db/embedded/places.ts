import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { replaceFile } from '../files.js'
import type { Log } from '../log.js'
import { canEnter } from './account.js'
import type { Account } from './processes.js'

/** Where things go that the system user postgres must reach but cannot below DATA_PATH. */
const SHARED_DIRECTORY = '/var/lib/aegis-ml'
const POINTER = 'location'
const BACK_POINTER = 'belongs-to'

export async function sharedDirectory(): Promise<string> {
  await mkdir(SHARED_DIRECTORY, { recursive: true })
  await chmod(SHARED_DIRECTORY, 0o755)
  return SHARED_DIRECTORY
}

/** Where the data directory is or, as far as is known before the first start, will be. */
export async function dataDirectoryOf(home: string): Promise<string> {
  const elsewhere = await readFile(join(home, POINTER), 'utf8').catch(() => undefined)
  return join(elsewhere?.trim() || home, 'data')
}

/** Whether the directory holds a database: initdb's result is put there whole or not at all. */
export async function isCluster(dataDirectory: string): Promise<boolean> {
  return exists(join(dataDirectory, 'PG_VERSION'))
}

/**
 * Settles where the data directory is: in `home` (DATA_PATH/postgres) unless the account cannot enter that;
 * then below /var/lib/aegis-ml, with a file in `home` that points there.
 */
export async function settleDataDirectory(
  home: string,
  account: Account | undefined,
  log: Log,
): Promise<string> {
  const known = await dataDirectoryOf(home)
  if (await isCluster(known)) {
    if (await canEnter(account, known)) return known
    throw new Error(
      `The system user that owns ${known} (uid ${account?.uid}) cannot enter it any more: ` +
        'give it the right to pass the directories above (chmod o+x).',
    )
  }
  const temporary = await newDirectory(home, account)
  const usable = await canEnter(account, temporary)
  await rm(temporary, { recursive: true })
  if (!usable) return moveElsewhere(home, log)
  await rm(join(home, POINTER), { force: true })
  return join(home, 'data')
}

/** A new empty directory in `parent` that belongs to the account alone. */
export async function newDirectory(parent: string, account: Account | undefined): Promise<string> {
  const directory = await mkdtemp(join(parent, 'new-'))
  if (account !== undefined) {
    // Where ownership cannot be changed (some network mounts), canEnter tells.
    await chown(directory, account.uid, account.gid).catch(() => undefined)
  }
  return directory
}

/** Removes what an interrupted first start left in the directory. */
export async function removeLeftovers(parent: string, log: Log): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith('new-')) continue
    // An initdb whose service was killed may still be writing there; the next start gets what is left.
    await rm(join(parent, name), { recursive: true, force: true, maxRetries: 3 }).catch((error: Error) => {
      log.debug({ err: error }, 'could not remove what an interrupted start left')
    })
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function moveElsewhere(home: string, log: Log): Promise<string> {
  const shared = await sharedDirectory()
  await removeAbandoned(shared)
  const directory = join(shared, `cluster-${randomBytes(6).toString('hex')}`)
  await mkdir(directory)
  await chmod(directory, 0o755)
  await writeFile(join(directory, BACK_POINTER), `${home}\n`)
  await replaceFile(join(home, POINTER), (file) => file.writeFile(`${directory}\n`))
  log.info(
    { dataPath: home, directory },
    'the system user of PostgreSQL cannot enter DATA_PATH: the database is kept elsewhere',
  )
  return join(directory, 'data')
}

/** A database whose DATA_PATH was temporary and is gone will not be asked for again. */
async function removeAbandoned(shared: string): Promise<void> {
  for (const name of await readdir(shared)) {
    if (!name.startsWith('cluster-')) continue
    const directory = join(shared, name)
    const home = (await readFile(join(directory, BACK_POINTER), 'utf8').catch(() => '')).trim()
    if (home.startsWith(tmpdir() + sep) && !(await exists(home))) {
      await rm(directory, { recursive: true, force: true })
    }
  }
}
