import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { baseImage, type Base } from './base.js'
import { run } from './tools.js'

/** What the Dockerfile says about running the image. */
export interface ImageConfig {
  User: string
  Env: string[]
  Entrypoint: string[]
  Cmd: string[]
  WorkingDir: string
  StopSignal: string
  Volumes: Record<string, object>
  ExposedPorts: Record<string, object>
  Labels: Record<string, string>
  Healthcheck: { Test: string[] }
}

export interface Image {
  base: Base
  config: ImageConfig
  /** Its files, for reading. */
  root: string
  /** Such as `341 MB`. */
  size: string
  baseSize: string
  remove(): Promise<void>
}

const NAME = 'localhost/aegis-ml-test'

/** Builds the image; its files are mounted until it is removed. */
export async function buildImage(): Promise<Image> {
  const base = await baseImage()
  const undo = [async () => (base.isOurs ? run('buildah', ['rmi', base.name]) : undefined)]
  const remove = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    await withNpmConfiguration((options) =>
      run('buildah', [
        ...['bud', '--isolation=chroot', '--format=docker', '--build-arg', `BASE=${base.name}`],
        ...[...options, '--tag', NAME, '.'],
      ]),
    )
    undo.push(() => run('buildah', ['rmi', NAME]))
    const container = await run('buildah', ['from', '--pull-never', NAME])
    undo.push(() => run('buildah', ['rm', container]))
    const root = await run('buildah', ['mount', container])
    const { Docker } = JSON.parse(await run('buildah', ['inspect', '--type=image', NAME])) as {
      Docker: { config: ImageConfig }
    }
    const [size, baseSize] = [await sizeOf(NAME), await sizeOf(base.name)]
    return { base, config: Docker.config, root, size, baseSize, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function sizeOf(name: string): Promise<string> {
  const [image] = JSON.parse(await run('buildah', ['images', '--json', name])) as { size: string }[]
  return image!.size
}

/** npm in the build reaches what npm reaches here: the options that lend it this user's configuration. */
async function withNpmConfiguration(use: (options: string[]) => Promise<unknown>): Promise<void> {
  const setting = (name: string) => run('npm', ['config', 'get', name])
  const directory = await mkdtemp(join(tmpdir(), 'aegis-ml-npm-'))
  try {
    const files = [await setting('globalconfig'), await setting('userconfig')]
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
    const npmrc = join(directory, 'npmrc')
    await writeFile(npmrc, texts.join('\n'), { mode: 0o600 })
    const certificates = await setting('cafile')
    const volume = certificates.startsWith('/') ? ['--volume', `${certificates}:${certificates}:ro`] : []
    await use(['--secret', `id=npmrc,src=${npmrc}`, ...volume])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
