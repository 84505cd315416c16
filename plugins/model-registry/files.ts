import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../db/files.js'
import type { ModelKind } from '../../db/own/models.js'
import { isVersion } from './artifact.js'

const VERSION_FILE = /^(\w+)-(\d{8}T\d{9}Z)\.json$/
const MAX_VERSIONS = 20

/** The models of a kind on disk: a file for each version, and one that names the active version. */
export class ModelFiles {
  readonly #name: string
  readonly #activeFile: string

  constructor(
    readonly folder: string,
    { storedName, activeFile }: { readonly storedName: ModelKind; readonly activeFile: string },
  ) {
    this.#name = storedName
    this.#activeFile = join(folder, activeFile)
  }

  /** Versions on disk, the newest first; none when the folder is missing. */
  async versions(): Promise<string[]> {
    const names = await readdir(this.folder).catch(emptyWhenMissing)
    return names
      .map((name) => VERSION_FILE.exec(name))
      .filter((match) => match?.[1] === this.#name)
      .map((match) => match![2]!)
      .filter(isVersion)
      .sort()
      .reverse()
  }

  pathOf(version: string): string {
    return join(this.folder, `${this.#name}-${version}.json`)
  }

  /** The text of a version's artifact; undefined when there is no such file. */
  async read(version: string): Promise<string | undefined> {
    return readFile(this.pathOf(version), 'utf8').catch(nothingWhenMissing)
  }

  async write(version: string, text: string): Promise<void> {
    await replaceFile(this.pathOf(version), (file) => file.writeFile(text))
  }

  /** The active version: undefined when none was ever set, null after a reset. */
  async activeVersion(): Promise<string | null | undefined> {
    try {
      const active = JSON.parse(await readFile(this.#activeFile, 'utf8')) as Record<string, unknown>
      const version = active[this.#name]
      return typeof version === 'string' || version === null ? version : undefined
    } catch {
      return undefined // missing or damaged: the newest version is the next best answer
    }
  }

  async setActiveVersion(version: string | null): Promise<void> {
    const text = `${JSON.stringify({ [this.#name]: version })}\n`
    await replaceFile(this.#activeFile, (file) => file.writeFile(text))
  }

  /** Removes all but the newest versions and the active one. */
  async prune(active: string): Promise<void> {
    const old = (await this.versions()).slice(MAX_VERSIONS).filter((version) => version !== active)
    await Promise.all(old.map((version) => rm(this.pathOf(version), { force: true })))
  }
}

function nothingWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  nothingWhenMissing(error)
  return []
}
