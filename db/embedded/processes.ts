import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** The system user a program runs as; undefined where that is simply the user of this process. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Outcome {
  readonly ok: boolean
  readonly stdout: string
  /** What the program said on standard error, or why it could not be started. */
  readonly stderr: string
}

/**
 * What PostgreSQL's programs inherit: nothing that could change where they look (PGDATA, PGPORT, …) or the
 * language of the messages that are read here. Windows needs its own variables to open a socket at all.
 */
export const spawnEnvironment: { env?: NodeJS.ProcessEnv } =
  process.platform === 'win32' ? {} : { env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }

/** Runs a program to its end; never throws. */
export function run(file: string, args: readonly string[], account?: Account): Promise<Outcome> {
  const options = { ...spawnEnvironment, ...account, cwd: '/', maxBuffer: 1 << 20 }
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ ok: error === null, stdout, stderr: stderr.trim() || (error?.message ?? '') })
    })
  })
}

/** When a process started, in ticks since the machine did: with its number, what identifies it. Linux only. */
export async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ended = fields?.[0] === 'Z' || fields?.[0] === 'X'
  return ended ? undefined : fields?.[19]
}

/** Whether a process of this number runs; one that has ended and only awaits its parent does not. */
export async function isRunning(pid: number): Promise<boolean> {
  if (process.platform === 'linux') return (await startOf(pid)) !== undefined
  return signal(pid, 0) !== 'ESRCH'
}

/** The command line of a process, undefined when there is none or it cannot be read. */
export async function commandLineOf(pid: number): Promise<string | undefined> {
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  if (words !== undefined) return words.replaceAll('\0', ' ').trim()
  if (process.platform === 'linux') return undefined
  const { ok, stdout } = await run('ps', ['-p', String(pid), '-o', 'command='])
  return ok ? stdout.trim() : undefined
}

/** Sends a signal; the error's code when it cannot be sent. */
function signal(pid: number, name: NodeJS.Signals | 0): string | undefined {
  try {
    process.kill(pid, name)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** Waits until a condition holds, at most so long; whether it did. */
export async function waitUntil(condition: () => Promise<boolean>, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs
  for (;;) {
    if (await condition()) return true
    if (performance.now() >= end) return false
    await delay(20)
  }
}

/**
 * Ends a PostgreSQL server: fast shutdown, after 10 s immediate shutdown (which ends its own children by
 * force after 5 s), after 7 s more by force. A server that was stopped (SIGSTOP) must be continued to notice.
 */
export async function endServer(pid: number, hasEnded: () => Promise<boolean>): Promise<void> {
  const steps = [
    ['SIGINT', 10_000],
    ['SIGQUIT', 7_000],
    ['SIGKILL', 5_000],
  ] as const
  for (const [name, limitMs] of steps) {
    const failure = signal(pid, name)
    if (failure === 'EPERM') throw new Error(`No permission to stop the PostgreSQL server (process ${pid}).`)
    signal(pid, 'SIGCONT')
    if (await waitUntil(hasEnded, limitMs)) return
  }
  throw new Error(`The PostgreSQL server (process ${pid}) does not end.`)
}
