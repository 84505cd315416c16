import { readFile } from 'node:fs/promises'
import type { Sql } from 'postgres'

/** The sets of tables that AEGIS gateways create: of the gateway's code, of its container, each with metrics. */
export const VARIANTS = ['A', 'B', 'A+C', 'B+C'] as const
export type Variant = (typeof VARIANTS)[number]

const SCRIPTS = { A: 'gateway-code', B: 'gateway-container', C: 'gateway-metrics' } as const

/** Runs the scripts of a variant as its gateway does: each ends at the first error. */
export async function runGatewayScripts(sql: Sql, variant: Variant): Promise<void> {
  for (const letter of variant.split('+') as (keyof typeof SCRIPTS)[]) {
    await sql.unsafe(await readFile(`test/compat/scripts/${SCRIPTS[letter]}.sql`, 'utf8'))
  }
}
