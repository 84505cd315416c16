import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { testDirectory } from '../postgres.js'

/** The client's dependencies, which are packed too: nothing comes from the network. */
const DEPENDENCIES = ['openapi-fetch', 'openapi-typescript-helpers']

/**
 * A folder as the README's reader has it: the packed client is installed there, and Express.
 * No script of a package runs: packing would build what the tests run.
 */
export async function freshFolder(t: Test): Promise<string> {
  const directory = await testDirectory(t)
  const folder = join(directory, 'gateway')
  await mkdir(folder)
  const installed = DEPENDENCIES.map((name) => `./node_modules/${name}`)
  const pack = ['pack', '--ignore-scripts', '--pack-destination', directory]
  await npm(process.cwd(), ...pack, '-w', 'client')
  await npm(process.cwd(), ...pack, ...installed)
  const packed = (await readdir(directory)).filter((name) => name.endsWith('.tgz'))
  await npm(folder, 'init', '-y')
  await npm(folder, 'pkg', 'set', 'type=module')
  await npm(folder, 'install', '--offline', '--no-audit', '--no-fund', ...packed.map((name) => `../${name}`))
  await symlink(resolve('node_modules/express'), join(folder, 'node_modules/express'))
  return folder
}

async function npm(cwd: string, ...args: string[]): Promise<void> {
  // Those of the npm that runs the tests would be those of this folder.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)))
  await promisify(execFile)('npm', args, { cwd, env: { ...env, npm_config_update_notifier: 'false' } })
}
