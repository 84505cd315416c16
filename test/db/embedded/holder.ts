import { spawn, type ChildProcess } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Connection } from '../../../db/pool.js'
import { isRunning } from '../../../db/embedded/processes.js'

const SCRIPT = fileURLToPath(new URL('./holder-process.js', import.meta.url))

export interface Holder {
  readonly child: ChildProcess
  readonly answer: Promise<{ connection?: Connection; error?: string }>
  /** Ends it by force and waits until it is gone. */
  kill(): Promise<void>
  /** Ends it in order; its exit code. */
  stop(): Promise<number | null>
}

/** A process that holds the embedded server of a DATA_PATH; ended with the test. */
export function startHolder(t: Test, dataPath: string): Holder {
  const child = spawn(process.execPath, [SCRIPT, dataPath], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const end = async (name: NodeJS.Signals) => {
    child.kill(name)
    await exited
  }
  t.teardown(() => end('SIGTERM'))
  return {
    child,
    answer: once(lines, 'line').then(([line]) => JSON.parse(line as string) as { connection?: Connection }),
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGTERM')
      return child.exitCode
    },
  }
}

/** The process of the server on a data directory. */
export async function postmasterPid(dataDirectory: string): Promise<number> {
  return Number((await readFile(`${dataDirectory}/postmaster.pid`, 'utf8')).split('\n')[0])
}

/** The PostgreSQL servers that run below a directory, by their command lines. */
export async function serversBelow(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return command.includes(`-D\0${directory}`) && (await isRunning(pid))
    }),
  )
  return pids.filter((_, i) => found[i])
}
