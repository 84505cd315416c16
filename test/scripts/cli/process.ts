import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Connection } from '../../../db/pool.js'

const SCRIPTS = new URL('../../../scripts/', import.meta.url)

export interface Ended {
  /** The exit code, or the signal that ended it. */
  code: number | string
  stdout: string
  stderr: string
}

/** A script as a process of its own, with nothing of our own environment but the PATH. */
export function startScript(
  name: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; input?: boolean } = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`${name}.js`, SCRIPTS)), ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], ...options.env },
    stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({
    code: (code ?? signal) as number | string,
    ...output,
  }))
  return { child, ended }
}

export function runScript(...args: Parameters<typeof startScript>): Promise<Ended> {
  return startScript(...args).ended
}

/** The flags that lead to a database. */
export function databaseFlags({ host, port, database, user, password }: Connection): string[] {
  return ['--db-host', host, '--db-port', String(port), '--db-name', database, '--db-user', user].concat([
    '--db-password',
    password,
  ])
}
