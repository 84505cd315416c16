import { Command } from 'commander'
import type { TrafficTable } from '../../db/traffic/table.js'
import { BUCKET_SECONDS, BUCKETS, type Bucket } from '../../formats/export/traffic-columns.js'
import { addDatabaseOptions, configOf, withDatabase, type DatabaseFlags } from '../cli/database.js'
import { UsageError } from '../cli/errors.js'
import { choice, finiteNumber, wholeNumber } from '../cli/options.js'
import { FORMATS, type Format } from '../cli/row-writer.js'
import { insertRequests, writeTraffic } from './generate.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

interface Flags extends DatabaseFlags {
  readonly days: number
  readonly type: 'requests' | 'aggregated'
  readonly bucket: Bucket
  readonly baseRps: number
  readonly anomalyRate: number
  readonly seed: number
  readonly table?: TrafficTable
  readonly output?: string
  readonly format?: Format
  readonly insertDb?: true
}

const TYPES = ['requests', 'aggregated'] as const
const TABLES = ['request_logs', 'request_metrics'] as const

const EXAMPLES = `
Examples:
  generate-synthetic-data --insert-db
  generate-synthetic-data --days 30 --type aggregated --output training.csv
  generate-synthetic-data --days 1 --base-rps 500 --format parquet --output requests.parquet
  generate-synthetic-data --table request_metrics --seed 7 > requests.csv

The data ends with the minute before the present one. Run within the same minute, the same seed gives the same data.

Exit codes: 0; 1 no data; 2 usage; 3 database.`

/** `generate-synthetic-data`: traffic with labelled incidents, as a file or in the traffic table. */
export function generateSyntheticData(stop: AbortSignal): Command {
  const command = new Command('generate-synthetic-data')
    .description(
      'Makes up the traffic of a gateway, incidents included, as a file or as rows of the traffic table.',
    )
    .option('--days <n>', 'how many days, 1 to 365', wholeNumber('--days', { min: 1, max: 365 }), 7)
    .option(
      '--type <type>',
      'requests: single ones; aggregated: buckets of time, labelled with their incident',
      choice('--type', TYPES),
      'requests',
    )
    .option(
      '--bucket <length>',
      `length of an aggregated row: ${BUCKETS.join(', ')}`,
      choice('--bucket', BUCKETS),
      '1m',
    )
    .option(
      '--base-rps <n>',
      'requests a second of an average weekday',
      finiteNumber('--base-rps', { above: 0, max: 100_000 }),
      50,
    )
    .option(
      '--anomaly-rate <share>',
      'share of the minutes in incidents, 0 to 0.5',
      finiteNumber('--anomaly-rate', { min: 0, max: 0.5 }),
      0.05,
    )
    .option(
      '--seed <n>',
      'whole number; another one gives other traffic',
      wholeNumber('--seed', { min: 0, max: 2 ** 32 - 1 }),
      42,
    )
    .option('--table <table>', `${TABLES.join(' or ')} (default: TRAFFIC_TABLE)`, choice('--table', TABLES))
    .option('--output <file>', 'where to write (default: standard output)')
    .option('--format <format>', `${FORMATS.join(', ')} (default: csv)`, choice('--format', FORMATS))
    .option('--insert-db', 'put the requests into the traffic table instead')
  return addDatabaseOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => run(flags, stop))
}

const MINUTES_A_DAY = 1440

async function run(flags: Flags, stop: AbortSignal): Promise<void> {
  checkCombination(flags)
  const config = configOf(flags)
  const { days, baseRps, anomalyRate, seed, type, bucket } = flags
  const minutes = days * MINUTES_A_DAY
  const startMs = (Math.floor(Date.now() / MINUTE_MS) - minutes) * MINUTE_MS
  const traffic = { minutes, baseRps, anomalyRate, seed, startMs }
  const table = flags.table ?? config.trafficTable
  if (flags.insertDb) {
    await withDatabase(config, (sql) => insertRequests(sql, table, traffic, stop))
    return
  }
  const what =
    type === 'requests'
      ? ({ type, table } as const)
      : ({ type, bucketSeconds: BUCKET_SECONDS[bucket] } as const)
  await writeTraffic(traffic, what, { output: flags.output, format: flags.format ?? 'csv' }, stop)
}

function checkCombination({ insertDb, type, output, format }: Flags): void {
  if (insertDb && type === 'aggregated') {
    throw new UsageError(
      '--insert-db and --type aggregated exclude each other: the traffic table holds single requests.',
    )
  }
  if (insertDb && (output !== undefined || format !== undefined)) {
    const flag = output === undefined ? '--format' : '--output'
    throw new UsageError(
      `--insert-db and ${flag} exclude each other: rows go to the database or into a file.`,
    )
  }
  if (!insertDb && format === 'parquet' && output === undefined && process.stdout.isTTY) {
    throw new UsageError('--format parquet is nothing for a terminal; name a file with --output.')
  }
}
