import { Command } from 'commander'
import { BUCKET_SECONDS, BUCKETS, EXPORT_TYPES } from '../../formats/export/traffic-columns.js'
import type { Bucket, ExportType } from '../../formats/export/traffic-columns.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { addDatabaseOptions, configOf, withDatabase, type DatabaseFlags } from '../cli/database.js'
import { UsageError } from '../cli/errors.js'
import { choice, dateOrTime, wholeNumber } from '../cli/options.js'
import { FORMATS, type Format } from '../cli/row-writer.js'
import { describeExport, exportData } from './export.js'
import { rangeOf, type RangeFlags } from './range.js'

interface Flags extends RangeFlags, DatabaseFlags {
  readonly bucket: Bucket
  readonly type: ExportType
  readonly table?: TrafficTable
  readonly output?: string
  readonly format: Format
  readonly stats?: true
  readonly dryRun?: true
}

const TABLES = ['request_logs', 'request_metrics'] as const

const EXAMPLES = `
Examples:
  export-training-data --days 30 --output training.csv
  export-training-data --start 2026-01-01 --end 2026-01-31 --type endpoint --bucket 1h --format parquet --output january.parquet
  export-training-data --type endpoint-summary --stats > endpoints.csv
  export-training-data --db-host db.example --db-user reader --dry-run

Exit codes: 0; 1 no data; 2 usage; 3 database.`

/** `export-training-data`: traffic put together from the raw rows of the traffic table, as a file. */
export function exportTrainingData(stop: AbortSignal): Command {
  const command = new Command('export-training-data')
    .description(
      'Writes the traffic of a range of time, put together from the requests, as CSV, JSON or Parquet.',
    )
    .option('--days <n>', 'the last n days (default: 7)', wholeNumber('--days', { min: 1, max: 3650 }))
    .option(
      '--start <date>',
      'from this date or ISO time on, in UTC unless it has a zone',
      dateOrTime('--start'),
    )
    .option(
      '--end <date>',
      'up to this time, or to the end of this day (default: the present minute, which is never part of it)',
      dateOrTime('--end'),
    )
    .option('--bucket <length>', `length of a row: ${BUCKETS.join(', ')}`, choice('--bucket', BUCKETS), '1m')
    .option(
      '--type <type>',
      `what a row is about: ${EXPORT_TYPES.join(', ')}`,
      choice('--type', EXPORT_TYPES),
      'aggregated',
    )
    .option('--table <table>', `${TABLES.join(' or ')} (default: TRAFFIC_TABLE)`, choice('--table', TABLES))
    .option('--output <file>', 'where to write (default: standard output)')
    .option('--format <format>', FORMATS.join(', '), choice('--format', FORMATS), 'csv')
    .option('--stats', 'sum up on standard error what was exported')
    .option('--dry-run', 'say on standard error what would be exported, and write nothing')
  return addDatabaseOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => run(flags, stop))
}

async function run(flags: Flags, stop: AbortSignal): Promise<void> {
  const { type, format, output, bucket } = flags
  const range = rangeOf(flags, new Date())
  if (format === 'parquet' && output === undefined && process.stdout.isTTY) {
    throw new UsageError('--format parquet is nothing for a terminal; name a file with --output.')
  }
  const config = configOf(flags)
  const table = flags.table ?? config.trafficTable
  const selection = { table, type, ...range, bucketSeconds: BUCKET_SECONDS[bucket] }
  await withDatabase(config, (sql) =>
    flags.dryRun
      ? describeExport(sql, selection, stop)
      : exportData(sql, selection, { format, output, stats: flags.stats ?? false }, stop),
  )
}
