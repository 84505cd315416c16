import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { makePrivate, newFolderMode } from '../../db/private-files.js'
import { ConfigError } from './error.js'

/** What the service writes into its folders. */
const OUR_FILES = /^(?:synthetic_training_data\.csv|active(?:-\w+)?\.json|\w+-\d{8}T\d{9}Z\.json)/

/**
 * Makes a folder of the service where it is missing, and keeps it from other users.
 * @throws ConfigError when it does not exist and cannot be made, or cannot be written
 */
export async function ensureFolder(variable: string, path: string): Promise<void> {
  try {
    if (!existsSync(path)) makeFolder(path)
    readdirSync(path)
    accessSync(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigError(variable, path, `a folder that the service can make and write (${code})`)
  }
  await makePrivate(path, OUR_FILES)
}

/** As mkdirSync with `recursive`, which never returns on a file system without mkdir (/proc). */
function makeFolder(path: string): void {
  const parent = dirname(path)
  if (!existsSync(parent)) makeFolder(parent)
  try {
    mkdirSync(path, newFolderMode())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another service was first
  }
}
