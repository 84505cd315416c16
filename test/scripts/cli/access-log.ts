import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { migrate } from '../../../db/migrate.js'
import { testDatabase } from '../../postgres.js'
import { databaseFlags, runScript } from './process.js'

export const SCRIPT = 'import-access-log'

/** Lines in the combined format, each of its own second. */
export function combined(count: number, first = 0): string {
  let text = ''
  for (let i = first; i < first + count; i++) {
    const clock = new Date(i * 1000).toISOString().slice(11, 19)
    text += `192.0.2.${i % 200} - - [05/Jan/2026:${clock} +0100] "GET /users/${i} HTTP/1.1" 200 17 "-" "curl/8.0"\n`
  }
  return text
}

/** A migrated database, a folder, and the command that works on both. */
export async function prepared(t: Test) {
  const { sql, connection } = await testDatabase(t)
  await migrate(sql)
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const flags = databaseFlags(connection)
  const run = (...args: string[]) => runScript(SCRIPT, [...flags, ...args], { cwd: folder })
  const file = async (name: string, content: string | Uint8Array) => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  const stored = async (table = 'request_logs') =>
    (await sql`select count(*)::int as count from ${sql(table)}`)[0]!['count'] as number
  return { sql, folder, flags, run, file, stored }
}

/** The command with a text on its standard input. */
export async function withInput(args: readonly string[], cwd: string, input: string | Uint8Array) {
  const script = fileURLToPath(new URL(`../../../scripts/${SCRIPT}.js`, import.meta.url))
  const child = spawn(process.execPath, [script, ...args], { cwd, env: { PATH: process.env['PATH'] } })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number]
  return { code, stderr }
}
