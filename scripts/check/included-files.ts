import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { globExpression } from '../../formats/limit-files/read/nginx-include.js'
import type { OtherFile, OtherFiles } from '../../formats/limit-files/read/limits.js'

const MAX_BYTES = 64 << 20
const MAX_ENTRIES = 10_000

/** The files that a configuration names: relative paths begin in a folder. */
export class IncludedFiles implements OtherFiles {
  readonly #folder: string
  #bytes = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  find(pattern: string): readonly OtherFile[] | string {
    const whole = resolve(this.#folder, pattern)
    try {
      if (!/[*?[]/.test(pattern)) return [this.#read(whole)]
      const paths = found(whole)
      return typeof paths === 'string' ? paths : paths.filter(isFile).map((path) => this.#read(path))
    } catch (error) {
      if (error instanceof NoFileError) return error.message
      const { code } = error as NodeJS.ErrnoException
      return code === 'ENOENT' ? 'the file does not exist' : (code ?? 'it is no text file')
    }
  }

  #read(path: string): OtherFile {
    const found = statSync(path)
    if (!found.isFile()) throw new NoFileError('it is no file')
    this.#bytes += found.size
    if (this.#bytes > MAX_BYTES)
      throw new NoFileError(`all files together are larger than ${MAX_BYTES >> 20} MiB`)
    return { path, text: readFileSync(path, 'utf8') }
  }
}

class NoFileError extends Error {}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

/** The files of a pattern, by name; a text when a folder without wildcards is missing: then nobody knows what is in it. */
function found(pattern: string): string[] | string {
  const folder = dirname(pattern)
  const parents = /[*?[]/.test(folder)
    ? found(folder)
    : existsSync(folder)
      ? [folder]
      : 'the folder does not exist'
  if (typeof parents === 'string') return parents
  const expression = globExpression(pattern)
  const paths = parents.flatMap((parent) =>
    statSync(parent).isDirectory() ? readdirSync(parent).map((name) => join(parent, name)) : [],
  )
  if (paths.length > MAX_ENTRIES) return `the folder has more than ${MAX_ENTRIES} files`
  // As glob(3): a leading dot is matched by a dot alone.
  const isHidden = (path: string) => /\/\.[^/]*$/.test(path) && !/\/\.[^/]*$/.test(pattern)
  return paths.filter((path) => expression.test(path) && !isHidden(path)).sort()
}
