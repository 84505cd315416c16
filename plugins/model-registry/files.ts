import { readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../db/files.js'
import type { ModelKind } from '../../db/own/models.js'
import { isVersion } from './artifact.js'

const VERSION_FILE = /^(\w+)-(\d{8}T\d{9}Z)\.json$/
const MAX_VERSIONS = 20

/** A choice that was made while the database was down, and waits for it. */
export interface LocalChoice {
  /** Null after a reset. */
  readonly version: string | null
  /** What this replica last knew to be active in the database: as `activeVersion`. */
  readonly over: string | null | undefined
}

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
    const path = this.pathOf(version)
    const replace = () => replaceFile(path, (file) => file.writeFile(text))
    await replace().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EISDIR') throw error
      await rmdir(path)
      await replace()
    })
  }

  /** The active version: undefined when none was ever set, null after a reset. */
  async activeVersion(): Promise<string | null | undefined> {
    return versionOrNothing((await this.#readActive())[this.#name])
  }

  /** The choice that the database does not know yet; null when there is none. */
  async localChoice(): Promise<LocalChoice | null> {
    const { [this.#name]: version, local } = await this.#readActive()
    if (typeof local !== 'object' || local === null) return null
    return {
      version: versionOrNothing(version) ?? null,
      over: versionOrNothing((local as Record<string, unknown>)['over']),
    }
  }

  /** The database has the choice. */
  async setActiveVersion(version: string | null): Promise<void> {
    await this.#writeActive({ [this.#name]: version })
  }

  /** The choice waits for the database. A second one waits in the place of the first. */
  async chooseLocally(version: string | null): Promise<void> {
    const earlier = await this.localChoice()
    const over = earlier ? earlier.over : await this.activeVersion()
    await this.#writeActive({ [this.#name]: version, local: { over } })
  }

  async #readActive(): Promise<Record<string, unknown>> {
    try {
      return Object(JSON.parse(await readFile(this.#activeFile, 'utf8'))) as Record<string, unknown>
    } catch {
      return {} // missing or damaged: the newest version is the next best answer
    }
  }

  async #writeActive(content: object): Promise<void> {
    await replaceFile(this.#activeFile, (file) => file.writeFile(`${JSON.stringify(content)}\n`))
  }

  /** Removes all but the newest versions and the active one. */
  async prune(active: string): Promise<void> {
    const old = (await this.versions()).slice(MAX_VERSIONS).filter((version) => version !== active)
    await Promise.all(old.map((version) => clear(this.pathOf(version))))
  }
}

/** Removes a file, or a folder that is in its place and empty. */
async function clear(path: string): Promise<void> {
  await rm(path, { force: true }).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_FS_EISDIR') throw error
    await rmdir(path)
  })
}

function versionOrNothing(value: unknown): string | null | undefined {
  return typeof value === 'string' || value === null ? value : undefined
}

function nothingWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  nothingWhenMissing(error)
  return []
}
