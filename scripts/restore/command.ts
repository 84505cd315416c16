import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Command } from 'commander'
import { DatabaseNotEmptyError, RestoreRefusedError, restoreInto } from '../../db/dump/restore.js'
import { appliedMigrations } from '../../db/dump/tables.js'
import { migrate } from '../../db/migrate.js'
import { addDatabaseOptions, configOf, withStoppedDatabase, type DatabaseFlags } from '../cli/database.js'
import { DatabaseError, UsageError } from '../cli/errors.js'
import { startProgress, type Progress } from '../cli/progress.js'
import { DumpFileError, NO_DUMP } from '../dump/dump-file.js'
import { damaged, DumpReader } from '../dump/dump-reader.js'

const EXAMPLES = `
Examples:
  aegis-ml restore backup.dump
  aegis-ml restore --replace backup.dump
  DATA_PATH=/var/lib/new aegis-ml restore backup.dump

Stop the service first. The file is restored completely or not at all.

Exit codes: 0 success, 2 usage (also: the database has data), 3 database (also: a service uses it), 65 the file is damaged.`

interface Flags extends DatabaseFlags {
  readonly replace?: true
}

/** `restore`: fills the database with what `dump` has saved. */
export function restoreDatabase(stop: AbortSignal): Command {
  const command = new Command('restore')
    .description('Fill the database from a file that dump has written. The service must be stopped.')
    .argument('<file>', 'the file; - is standard input')
    .option('--replace', 'delete what the database has; without it, only an empty database is filled')
  return addDatabaseOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((file: string, flags: Flags) => run(file, flags, stop))
}

async function run(file: string, flags: Flags, stop: AbortSignal): Promise<void> {
  const config = configOf(flags)
  const source = await open(file)
  const reader = new DumpReader(uncompressed(source.stream, stop))
  try {
    // A file that is no dump is refused before there is a database.
    const { tables, migrations, service_version: release } = await reader.head()
    const rows = await withStoppedDatabase(config, async (sql) => {
      await migrate(sql)
      const known = await appliedMigrations(sql)
      if (!migrations.every((name) => known.includes(name))) {
        throw new UsageError(`The dump is of release ${release}, which is newer than this one.`)
      }
      let total = 0
      const progress = startProgress('rows')
      const options = { tables, replace: flags.replace ?? false, signal: stop }
      try {
        await restoreInto(sql, options, async ({ fill }) => {
          for (let table = await reader.table(); table !== undefined; table = await reader.table()) {
            const taken = await fill(
              table.table,
              table.columns,
              watched(reader.rows(), progress, source, total),
            )
            if (taken !== (await reader.rowCount())) throw damaged(`rows of ${table.table} are missing`)
            total += taken
          }
          stop.throwIfAborted()
        })
      } finally {
        progress.stop()
      }
      return total
    })
    process.stderr.write(`${rows.toLocaleString('en')} rows of ${tables.length} tables restored.\n`)
  } catch (error) {
    throw explained(error)
  } finally {
    source.stream.destroy()
  }
}

function explained(error: unknown): unknown {
  if (error instanceof DatabaseNotEmptyError) {
    return new UsageError(`${error.message} Use --replace to delete it first.`)
  }
  return error instanceof RestoreRefusedError ? new DatabaseError(error.message) : error
}

interface Source {
  readonly stream: Readable
  /** The share that has been read, 0…1. */
  share(): number
}

async function open(file: string): Promise<Source> {
  if (file === '-') return { stream: process.stdin, share: () => 0 }
  const found = await stat(file).catch(() => undefined)
  if (found === undefined) throw new UsageError(`The file ${file} does not exist.`)
  if (found.isDirectory()) throw new UsageError(`${file} is a folder. Name a file in it.`)
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 })
  return { stream, share: () => stream.bytesRead / Math.max(1, found.size) }
}

async function* watched(rows: AsyncIterable<Buffer>, progress: Progress, { share }: Source, count: number) {
  for await (const piece of rows) {
    progress.update(share(), count)
    yield piece
  }
}

async function* uncompressed(stream: Readable, stop: AbortSignal): AsyncGenerator<Buffer, void> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 })
  stream.on('error', (error) => gunzip.destroy(error))
  stop.addEventListener('abort', () => gunzip.destroy(stop.reason as Error), { once: true })
  try {
    yield* stream.pipe(gunzip) as AsyncIterable<Buffer>
  } catch (error) {
    stop.throwIfAborted()
    const { code } = error as NodeJS.ErrnoException
    if (code === 'Z_BUF_ERROR') throw damaged('it is incomplete')
    if ((error as Error).message === 'incorrect header check') throw new DumpFileError(NO_DUMP)
    if (code?.startsWith('Z_')) throw damaged('it cannot be uncompressed')
    throw error
  }
}
