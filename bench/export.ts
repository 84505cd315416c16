import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import type { Connection } from '../db/pool.js'
import { migrate } from '../db/migrate.js'
import { exportQuery } from '../db/traffic/export/figures.js'
import { openDirectory, startTestServer } from '../test/postgres-server.js'
import type { Benchmark, Comparison } from './benchmark.js'

const SCRIPT = fileURLToPath(new URL('../scripts/export-training-data.js', import.meta.url))
const ROWS = 5_000_000
const TO = new Date('2026-03-08T00:00:00Z')
const FROM = new Date('2026-03-01T00:00:00Z')
const RANGE = ['--start', FROM.toISOString(), '--end', TO.toISOString()]
const REPETITIONS = 3

/** Exports a week of requests by endpoint and minute: the script against psql with the same query, and its peak memory. */
export const exportTrainingData: Benchmark = {
  name: 'export by endpoint',
  async prepare() {
    if ((await run('psql', ['--version'], {})).code !== 0) return { skipped: 'psql is not installed.' }
    const server = await startTestServer()
    const directory = await openDirectory()
    await fill(server.connection)
    const selection = {
      table: 'request_logs',
      type: 'endpoint',
      from: FROM,
      to: TO,
      bucketSeconds: 60,
    } as const
    const query = exportQuery(selection, false, true).replace(/\s+/g, ' ')
    const copy = `\\copy (${query}) to '${join(directory, 'psql.csv')}' csv header`
    const psql = () => succeed('psql', ['-qc', copy], server.connection)
    const script = (format: string) => {
      const file = join(directory, `script.${format}`)
      const args = [SCRIPT, ...RANGE, '--type', 'endpoint', '--format', format, '--output', file]
      return succeed(process.execPath, args, server.connection)
    }
    const against = (format: string, target?: number): Comparison => ({
      rows: ROWS,
      repetitions: REPETITIONS,
      ...(target !== undefined && { target }),
      reference: { name: 'psql \\copy', measure: async () => (await psql()).ms },
      candidate: { name: format, measure: async () => (await script(format)).ms },
    })
    const memory = (format: string, limit: number): Comparison => ({
      rows: ROWS,
      repetitions: 1,
      target: 1,
      reference: { name: `${limit} MB allowed`, measure: () => limit },
      candidate: { name: `${format}, peak MB`, measure: async () => (await script(format)).peakMb },
    })
    return {
      comparisons: [against('csv', 0.7), against('parquet'), memory('csv', 200), memory('parquet', 400)],
      async finish() {
        await rm(directory, { recursive: true, force: true })
        await server.stop()
      },
    }
  },
}

async function fill(connection: Connection): Promise<void> {
  const sql = postgres({ ...connection, onnotice: () => undefined })
  await migrate(sql)
  await sql`
    insert into request_logs ("timestamp", method, path, status_code, response_time_ms, user_id, ip_address)
    select ${FROM}::timestamptz + i * (interval '7 days' / ${ROWS}::int),
      case when i % 3 = 0 then 'POST' else 'GET' end, '/api/resource-' || i % 20,
      case when i % 97 = 0 then 500 when i % 31 = 0 then 404 else 200 end, 10 + i * 7919::bigint % 400,
      'user-' || i % 2000, '10.0.0.0'::inet + i % 2000
    from generate_series(0, ${ROWS - 1}) i`
  await sql`vacuum analyze request_logs`
  await sql.end()
}

interface Run {
  readonly code: number | null
  readonly ms: number
  readonly peakMb: number
}

async function succeed(command: string, args: string[], connection: Connection): Promise<Run> {
  const { host, port, user, password, database } = connection
  const names = { HOST: host, PORT: String(port), USER: user, PASSWORD: password }
  const of = (prefix: string) =>
    Object.fromEntries(Object.entries(names).map(([name, value]) => [`${prefix}${name}`, value]))
  const env = { ...of('PG'), PGDATABASE: database, ...of('POSTGRES_'), POSTGRES_DB: database }
  const result = await run(command, args, env)
  if (result.code !== 0) throw new Error(`${command} ended with ${result.code}.`)
  return result
}

/** Runs a command and measures its peak memory, as Linux reports it. */
async function run(command: string, args: string[], env: Record<string, string>): Promise<Run> {
  const start = performance.now()
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env },
  })
  let peakMb = 0
  const look = async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peakMb = Math.max(peakMb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  }
  const watch = setInterval(() => void look(), 20)
  const [code] = (await Promise.race([once(child, 'exit'), once(child, 'error').then(() => [null])])) as [
    number | null,
  ]
  clearInterval(watch)
  return { code, ms: performance.now() - start, peakMb }
}
