import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const OTHERS = 0o007
const GROUP_AND_OTHERS = 0o077
/** Whoever may pass a folder sees no names in it, and opens only what he may. */
const PASS = 0o011

const SET_GROUP_ID = 0o2000
const STICKY = 0o1000

/**
 * The mode of a new folder. Root's PostgreSQL runs as another user, who has to pass the folders above its own.
 */
export function newFolderMode(): number {
  return isRoot() ? 0o700 | PASS : 0o700
}

/** The mode of a new file: for its owner alone, or for the group too where the folder is shared with one. */
export async function newFileMode(folder: string): Promise<number> {
  return (await isShared(folder)) ? 0o660 : 0o600
}

/**
 * Takes from others what a release before gave them: a folder, and those of its files that have such a name. A folder
 * that hands its group on (the set-group-id bit, as a volume with fsGroup has it) stays open to the group. What belongs
 * to another user, and a folder such as /tmp, stay as they are.
 */
export async function makePrivate(folder: string, names: RegExp): Promise<void> {
  const others = (await isShared(folder)) ? OTHERS : GROUP_AND_OTHERS
  await withoutRights(folder, isRoot() ? others & ~PASS : others)
  for (const name of await readdir(folder)) {
    if (names.test(name)) await withoutRights(join(folder, name), others)
  }
}

/** Some file systems have no modes: what cannot be changed stays. */
async function withoutRights(path: string, rights: number): Promise<void> {
  try {
    const { uid, mode } = await stat(path)
    const isOurs = uid === process.getuid?.()
    if (isOurs && (mode & STICKY) === 0 && (mode & rights) !== 0) await chmod(path, mode & 0o7777 & ~rights)
  } catch {
    // It is gone, or cannot be changed.
  }
}

async function isShared(folder: string): Promise<boolean> {
  return ((await stat(folder)).mode & SET_GROUP_ID) !== 0
}

const isRoot = () => process.getuid?.() === 0
