import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Sql } from 'postgres'
import { withSnapshot, type DatabaseSnapshot } from '../../db/dump/snapshot.js'
import { addDatabaseOptions, configOf, withDatabase, type DatabaseFlags } from '../cli/database.js'
import { NoDataError } from '../cli/errors.js'
import { withOutput, type Output } from '../cli/output.js'
import { startProgress } from '../cli/progress.js'
import { FORMAT, FORMAT_VERSION } from './dump-file.js'
import { createDumpWriter } from './dump-writer.js'

const EXAMPLES = `
Examples:
  aegis-ml dump backup.dump
  aegis-ml dump - | ssh elsewhere 'cat > backup.dump'
  aegis-ml dump --db-host db.example --db-user aegis_user backup.dump

It contains the tables of the service and those of the gateway that the service reads or writes. The service may run.

Exit codes: 0 success, 1 no data, 2 usage, 3 database.`

/** `dump`: writes the data of the database to a file that `restore` reads. */
export function dumpDatabase(stop: AbortSignal): Command {
  const command = new Command('dump')
    .description('Save the database to a file: models, recommendations, streams, rollups, requests.')
    .argument('<file>', 'the file; - is standard output')
  return addDatabaseOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((file: string, flags: DatabaseFlags) => run(file, flags, stop))
}

async function run(file: string, flags: DatabaseFlags, stop: AbortSignal): Promise<void> {
  const path = file === '-' ? undefined : file
  await withDatabase(configOf(flags), async (sql) => {
    const { tables, rows } = await withOutput(path, stop, (output) => dump(sql, output, stop), 'The file')
    process.stderr.write(`${rows.toLocaleString('en')} rows of ${tables} tables saved.\n`)
  })
}

function dump(sql: Sql, output: Output, stop: AbortSignal): Promise<{ tables: number; rows: number }> {
  return withSnapshot(sql, stop, async (snapshot) => {
    const { tables } = snapshot
    const total = tables.reduce((sum, { bytes }) => sum + bytes, 0)
    const progress = startProgress('rows')
    const writer = createDumpWriter(output)
    let rows = 0
    let before = 0
    try {
      await writer.head(headOf(snapshot))
      for (const table of tables) {
        let written = 0
        const onRows = (piece: Buffer) => {
          written = Math.min(table.bytes, written + piece.length)
          progress.update((before + written) / total, rows)
        }
        rows += await writer.table(
          { table: table.name, columns: table.columns },
          snapshot.rows(table),
          onRows,
        )
        before += table.bytes
      }
      if (rows === 0) throw new NoDataError('no data: the database has nothing to save.')
      await writer.finish()
    } finally {
      progress.stop()
    }
    return { tables: tables.length, rows }
  })
}

function headOf({ tables, migrations, serverVersion }: DatabaseSnapshot) {
  return {
    format: FORMAT,
    format_version: FORMAT_VERSION,
    service_version: serviceVersion(),
    server_version: serverVersion,
    created_at: new Date().toISOString(),
    migrations,
    tables: tables.map(({ name }) => name),
  } as const
}

/** The build copies package.json to the top of what it makes. */
function serviceVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
