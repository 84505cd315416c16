import { open, readFile, realpath, rm, stat, type FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { beginFile, removeAbandonedVersions } from '../../db/files.js'
import { ApiKeysError, formatApiKey, parseApiKeys, type ApiKey } from '../../formats/api-keys.js'
import { UsageError } from '../cli/errors.js'

const NEW_MODE = 0o600
const MAX_WAIT_MS = 10_000
const TRY_MS = 20

/**
 * Adds a key to a file of keys, which appears complete or not at all. A new file is for its owner alone; an existing one
 * keeps its owner, its mode and its comments. Two commands at a time wait for each other.
 *
 * @param keyFor the key to add, after a look at those of the file
 * @param show called before the file gets its name, so that no entry is without somebody who has seen its key
 * @throws UsageError when the file cannot be read or written
 */
export async function addToFile(
  given: string,
  keyFor: (existing: readonly ApiKey[]) => ApiKey,
  show: () => Promise<void>,
): Promise<void> {
  const path = await realpath(given).catch(() => given) // a link stays a link to the same file
  const unlock = await lock(path).catch(cannot(given, 'written'))
  try {
    const before = await contentOf(path).catch(cannot(given, 'read'))
    const entry = formatApiKey(keyFor(keysOf(given, before.text)))
    await removeAbandonedVersions(path)
    const file = await beginFile(path, NEW_MODE).catch(cannot(given, 'written'))
    try {
      await keepOwner(file.handle, before.owner)
      const separator = before.text === '' || before.text.endsWith('\n') ? '' : '\n'
      const text = `${before.text}${separator}${entry}\n`
      keysOf(given, text) // one more may be too many
      await file.handle.writeFile(text)
      await show()
    } catch (error) {
      await file.discard()
      throw error
    }
    await file.finish()
  } finally {
    await unlock()
  }
}

interface Owner {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

async function contentOf(path: string): Promise<{ text: string; owner: Owner | undefined }> {
  try {
    return { text: await readFile(path, 'utf8'), owner: await stat(path) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { text: '', owner: undefined }
  }
}

/** The service may run as another user than the one who adds a key. */
async function keepOwner(file: FileHandle, before: Owner | undefined): Promise<void> {
  if (before === undefined) return
  await file.chmod(before.mode & 0o777)
  const { uid, gid } = await file.stat()
  if (uid === before.uid && gid === before.gid) return
  await file.chown(before.uid, before.gid).catch(() => {
    throw new UsageError('The file belongs to another user or group; add the key as that user, or as root.')
  })
}

function keysOf(path: string, text: string): ApiKey[] {
  try {
    return parseApiKeys(text)
  } catch (error) {
    if (error instanceof ApiKeysError)
      throw new UsageError(`--file ${path} cannot be used: ${error.message}.`)
    throw error
  }
}

async function lock(path: string): Promise<() => Promise<void>> {
  const name = `${path}.lock`
  for (let waitedMs = 0; ; waitedMs += TRY_MS) {
    try {
      const handle = await open(name, 'wx', NEW_MODE)
      await handle.close()
      return () => rm(name, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (waitedMs >= MAX_WAIT_MS) {
        throw new UsageError(`${name} exists. Remove it if no other command adds a key.`)
      }
      await delay(TRY_MS)
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EISDIR: 'it is a folder',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is a file',
  EROFS: 'the file system is read-only',
}

const cannot =
  (path: string, what: string) =>
  (error: NodeJS.ErrnoException): never => {
    if (error instanceof UsageError) throw error
    throw new UsageError(`--file ${path} cannot be ${what}: ${REASONS[error.code ?? ''] ?? error.message}.`)
  }
