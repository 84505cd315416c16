import { readFile } from 'node:fs/promises'
import type { Sql } from 'postgres'
import type { SCHEMAS } from './matrix.js'

const SCRIPTS = { A: 'gateway-code', B: 'gateway-container', C: 'gateway-metrics' } as const

/** Runs the scripts of a gateway's tables as its tools do: each ends at the first error. */
export async function runGatewayScripts(sql: Sql, schema: (typeof SCHEMAS)[number]): Promise<void> {
  for (const letter of schema.split(' with ') as (keyof typeof SCRIPTS)[]) {
    await sql.unsafe(await readFile(`test/compat/scripts/${SCRIPTS[letter]}.sql`, 'utf8'))
  }
}
