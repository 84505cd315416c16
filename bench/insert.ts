import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import type { Connection } from '../db/pool.js'
import { migrate } from '../db/migrate.js'
import { COPY_TEXT, requestRows } from '../scripts/generate-synthetic-data/request-rows.js'
import { generateRequests, populationOf } from '../models/synthetic/requests.js'
import { openDirectory, startTestServer } from '../test/postgres-server.js'
import type { Benchmark } from './benchmark.js'

const SCRIPT = fileURLToPath(new URL('../scripts/generate-synthetic-data.js', import.meta.url))
const MINUTES = 1440
const TRAFFIC = { baseRps: 50, anomalyRate: 0.05, seed: 42 }
const TABLES = ['request_logs', 'request_metrics'] as const

/** Generates and inserts a day of requests, against psql that copies the same rows from a file. */
export const insert: Benchmark = {
  name: 'insert synthetic requests',
  async prepare() {
    if (spawnSync('psql', ['--version']).error) return { skipped: 'There is no psql on this machine.' }
    const server = await startTestServer()
    const directory = await openDirectory()
    const { host, port, user, password, database } = server.connection
    const sql = postgres({
      host,
      port,
      username: user,
      password,
      database,
      max: 1,
      onnotice: () => undefined,
    })
    await migrate(sql)
    const comparisons = []
    for (const table of TABLES) {
      const file = join(directory, table)
      const { rows, columns } = await writeRows(table, file)
      const copy = `\\copy ${table} (${columns.join(', ')}) from '${file}'`
      const script = [SCRIPT, '--insert-db', '--days', '1', '--table', table]
      const emptied = async (run: () => Promise<unknown>) => {
        await sql`truncate ${sql(table)}, aegis_ml_touched_ranges`
        await sql`checkpoint`
        const start = performance.now()
        await run()
        return performance.now() - start
      }
      comparisons.push({
        rows,
        reference: {
          name: 'psql \\copy',
          measure: () => emptied(() => end('psql', ['-qXc', copy], server.connection)),
        },
        candidate: {
          name: table,
          measure: () => emptied(() => end(process.execPath, script, server.connection)),
        },
        target: 0.85,
        repetitions: 3,
      })
    }
    const finish = async () => {
      await sql.end()
      await server.stop()
      await rm(directory, { recursive: true })
    }
    return { comparisons, finish }
  },
}

/** The generated rows as a file for COPY. */
async function writeRows(table: (typeof TABLES)[number], file: string) {
  const population = populationOf(TRAFFIC.seed)
  const { columns, lines } = requestRows(table, COPY_TEXT, TRAFFIC.seed, population)
  const startMs = (Math.floor(Date.now() / 60_000) - MINUTES) * 60_000
  const output = createWriteStream(file)
  let rows = 0
  for (const batch of generateRequests({ ...TRAFFIC, minutes: MINUTES, startMs }, population)) {
    rows += batch.length
    if (!output.write(lines(batch))) await once(output, 'drain')
  }
  await new Promise<void>((resolve) => output.end(resolve))
  return { rows, columns: columns.map(({ name }) => name) }
}

async function end(
  command: string,
  args: readonly string[],
  { host, port, user, password, database }: Connection,
): Promise<void> {
  const env = {
    PATH: process.env['PATH'],
    ...{ PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database },
    ...{ POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_USER: user },
    ...{ POSTGRES_PASSWORD: password, POSTGRES_DB: database },
  }
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} has failed: ${errors}`)
}
