import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from './atomic-file.js'
import { isVersion } from './model-artifact.js'

const PREFIX = 'anomaly_detector-'
const VERSION_FILE = /^anomaly_detector-(\d{8}T\d{9}Z)\.json$/
const ACTIVE_FILE = 'active.json'
const KEPT_VERSIONS = 20

/** The models on disk: a file for each version, and one that says which is active. */
export class ModelFiles {
  constructor(readonly folder: string) {}

  /** Versions on disk, the newest first; none when the folder is missing. */
  async versions(): Promise<string[]> {
    const names = await readdir(this.folder).catch(emptyWhenMissing)
    return names
      .map((name) => VERSION_FILE.exec(name)?.[1])
      .filter((version) => version !== undefined)
      .filter(isVersion)
      .sort()
      .reverse()
  }

  pathOf(version: string): string {
    return join(this.folder, `${PREFIX}${version}.json`)
  }

  /** The text of a version's artifact; undefined when there is no such file. */
  async read(version: string): Promise<string | undefined> {
    return readFile(this.pathOf(version), 'utf8').catch(nothingWhenMissing)
  }

  async write(version: string, text: string): Promise<void> {
    await replaceFile(this.pathOf(version), (file) => file.writeFile(text))
  }

  /** The version to be active: undefined when that was never said, null after a reset. */
  async activeVersion(): Promise<string | null | undefined> {
    try {
      const { anomaly_detector: version } = JSON.parse(
        await readFile(join(this.folder, ACTIVE_FILE), 'utf8'),
      ) as { anomaly_detector?: unknown }
      return typeof version === 'string' || version === null ? version : undefined
    } catch {
      return undefined // missing or damaged: the newest version is the next best answer
    }
  }

  async setActiveVersion(version: string | null): Promise<void> {
    const text = `${JSON.stringify({ anomaly_detector: version })}\n`
    await replaceFile(join(this.folder, ACTIVE_FILE), (file) => file.writeFile(text))
  }

  /** Removes all but the newest versions and the active one. */
  async prune(active: string): Promise<void> {
    const old = (await this.versions()).slice(KEPT_VERSIONS).filter((version) => version !== active)
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
