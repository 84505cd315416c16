import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { devNull } from 'node:os'
import { fileURLToPath } from 'node:url'
import { startTestServer } from '../test/postgres-server.js'
import type { Benchmark, Comparison } from './benchmark.js'

const SCRIPT = fileURLToPath(new URL('../scripts/generate-synthetic-data.js', import.meta.url))
const BASE_RPS = 5
const DAYS = [1, 3] as const
/** Three days may need 10 % more memory than one day. */
const TARGET = 1 / 1.1

/** Peak memory of the script for three days of requests, against one day. */
export const syntheticMemory: Benchmark = {
  name: 'synthetic data, memory',
  async prepare() {
    if (!existsSync('/proc/self/status')) return { skipped: 'The memory of a process is read from /proc.' }
    const server = await startTestServer()
    const { host, port, user, password, database } = server.connection
    const environment = {
      PATH: process.env['PATH'],
      POSTGRES_HOST: host,
      POSTGRES_PORT: String(port),
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: database,
    }
    const ways = [
      ['--insert-db'],
      ...['csv', 'json', 'parquet'].map((format) => ['--format', format, '--output', devNull]),
    ]
    const comparisons = ways.map((way): Comparison => {
      const [one, three] = DAYS.map((days) => ({
        name: `${days} d, ${way[1] ?? 'insert'}`,
        measure: () =>
          peakMegabytes(['--days', String(days), '--base-rps', String(BASE_RPS), ...way], environment),
      })) as [Comparison['reference'], Comparison['candidate']]
      const rows = DAYS[1] * 86_400 * BASE_RPS
      return { rows, reference: one, candidate: three, unit: 'MB', target: TARGET, repetitions: 3 }
    })
    return { comparisons, finish: () => server.stop() }
  },
}

const LOOK_EVERY_MS = 20

async function peakMegabytes(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { env, stdio: 'ignore' })
  let peak = 0
  const look = async () => {
    const status = await readFile(`/proc/${child.pid!}/status`, 'utf8').catch(() => '')
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
  }
  const timer = setInterval(() => void look(), LOOK_EVERY_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(timer)
  if (code !== 0) throw new Error(`The script has ended with ${code}.`)
  return peak / 1024
}
