import { spawn, execFile, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chown, mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { serverAccount } from '../../../db/embedded/account.js'
import { eventually } from '../../eventually.js'
import { silentLog } from '../../postgres.js'

/** Debian keeps each version of PostgreSQL outside of the PATH. Debian 12 has version 15; others have newer ones. */
const VERSIONS = '/usr/lib/postgresql'

export function postgresql(program: string): string {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : []
  const version = versions.includes('15') ? '15' : versions.sort((a, b) => Number(b) - Number(a))[0]
  return join(VERSIONS, version ?? '15', 'bin', program)
}

/** PostgreSQL and PgBouncer refuse to run as root: then they run as the system user postgres. */
const account = () => serverAccount('/nonexistent', silentLog)

/** Runs a program to its end, as the user that the servers run as. */
export async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const options = { ...(await account()), cwd: '/', env: { PATH: process.env['PATH'], LC_ALL: 'C', ...env } }
  await promisify(execFile)(program, args, options)
}

/** A directory that the servers own. */
export async function ownDirectory(path: string): Promise<string> {
  await mkdir(path, { mode: 0o700 })
  const owner = await account()
  if (owner !== undefined) await chown(path, owner.uid, owner.gid)
  return path
}

export interface Daemon {
  readonly child: ChildProcess
  /** All that it has written so far. */
  output(): string
  /** Signals, and waits for the end. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Starts a server program, which ends with the test. */
export async function startDaemon(t: Test, program: string, args: readonly string[]): Promise<Daemon> {
  const child = spawn(program, args, {
    ...(await account()),
    cwd: '/',
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = once(child, 'close')
  closed.catch(() => undefined) // the program could not be started: whoever waits for it says so
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await closed
  }
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) await end('SIGINT')
  })
  return { child, output: () => output, end }
}

/** Waits until a server takes connections on a port; fails with its output when it ends before. */
export async function listens({ child, output }: Daemon, port: number): Promise<void> {
  await eventually(
    async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`It ended: ${output()}`)
      const socket = connect(port, '127.0.0.1')
      const isOpen = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'close').then(() => false),
      ]).catch(() => false)
      socket.destroy()
      return isOpen
    },
    { what: `${child.spawnfile} on port ${port}` },
  )
}
