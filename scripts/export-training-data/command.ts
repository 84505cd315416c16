import { Command, Option } from 'commander'
import { BUCKET_SECONDS, EXPORT_TYPES } from '../../formats/export/traffic-columns.js'
import type { ExportType } from '../../formats/export/traffic-columns.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { addDatabaseOptions, configOf, withTraffic, type DatabaseFlags } from '../cli/database.js'
import { chosenTable } from '../cli/traffic-table.js'
import { UsageError } from '../cli/errors.js'
import { bucketSeconds, choice, dateOrTime, wholeNumber } from '../cli/options.js'
import { FORMATS, type Format } from '../cli/row-writer.js'
import { describeExport, exportData } from './export.js'
import { rangeOf, type RangeFlags } from './range.js'

interface Flags extends RangeFlags, DatabaseFlags {
  readonly bucket: number
  readonly type: ExportType
  readonly table?: TrafficTable
  readonly output?: string
  readonly format: Format
  readonly stats?: true
  readonly dryRun?: true
}

const WORDS = Object.keys(BUCKET_SECONDS).join(', ')
const TABLES = ['request_logs', 'request_metrics'] as const

const EXAMPLES = `
Examples:
  aegis-ml export-training-data --days 30 --output training.csv
  aegis-ml export-training-data --start 2026-01-01 --end 2026-02-01 --type endpoint --bucket 1h --format parquet --output january.parquet
  aegis-ml export-training-data --type endpoint-summary --stats > endpoints.csv
  aegis-ml export-training-data --db-host db.example --db-user reader --dry-run

Exit codes: 0 success, 1 no data, 2 usage, 3 database.`

/** `export-training-data`: writes traffic, aggregated from the rows of the traffic table, to a file. */
export function exportTrainingData(stop: AbortSignal): Command {
  const command = new Command('export-training-data')
    .description('Export the recorded traffic of a time range as CSV, JSON or Parquet.')
    .option(
      '--days <n>',
      'export the last n days, 1 to 3650 (default: 7)',
      wholeNumber('--days', { min: 1, max: 3650 }),
    )
    .option(
      '--start <date>',
      'start of the time range: a date or an ISO-8601 time (default time zone: UTC)',
      dateOrTime('--start'),
    )
    .option(
      '--end <date>',
      'end of the time range: a time, or a date, which means its first moment (default: the last full minute)',
      dateOrTime('--end'),
    )
    .addOption(
      new Option('--bucket <length>', `length of a time bucket: ${WORDS}, or a number of minutes`)
        .argParser(bucketSeconds('--bucket', BUCKET_SECONDS))
        .default(BUCKET_SECONDS['1m'], '1m'),
    )
    .option(
      '--type <type>',
      `content of a row: ${EXPORT_TYPES.join(', ')}`,
      choice('--type', EXPORT_TYPES),
      'aggregated',
    )
    .option(
      '--table <table>',
      `traffic table: ${TABLES.join(' or ')} (default: TRAFFIC_TABLE)`,
      choice('--table', TABLES),
    )
    .option('-o, --output <file>', 'write to this file (default: standard output)')
    .option(
      '-f, --format <format>',
      `format of the file: ${FORMATS.join(', ')}`,
      choice('--format', FORMATS),
      'csv',
    )
    .option('--stats', 'print a summary of the export on standard error')
    .option('--dry-run', 'print on standard error what would be exported; write nothing')
  return addDatabaseOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => run(flags, stop))
}

async function run(flags: Flags, stop: AbortSignal): Promise<void> {
  const { type, format, output, bucket } = flags
  const range = rangeOf(flags, new Date())
  if (format === 'parquet' && output === undefined && process.stdout.isTTY) {
    throw new UsageError('--format parquet cannot be shown on a terminal. Name a file with --output.')
  }
  const config = configOf(flags)
  await withTraffic(config, async (sql) => {
    const table = await chosenTable(sql, flags.table ?? config.trafficTable)
    const selection = { table, type, ...range, bucketSeconds: bucket }
    if (flags.dryRun) await describeExport(sql, selection, stop)
    else await exportData(sql, selection, { format, output, stats: flags.stats ?? false }, stop)
  })
}
